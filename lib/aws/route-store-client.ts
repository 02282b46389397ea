// The KeyValueStore's client signs with SigV4A, which the SDK only finds when this package is loaded.
import '@aws-sdk/signature-v4a';
import * as dns from 'node:dns';
import * as http from 'node:http';
import type { LookupFunction } from 'node:net';

import { CloudFrontKeyValueStoreClient } from '@aws-sdk/client-cloudfront-keyvaluestore';

import { clientDefaults, type ClientSettings } from './clients.ts';

/**
 * The client puts the account before the host of its endpoint (`000000000000.localhost`). Names under `localhost`
 * mean this machine (RFC 6761), but few resolvers know; against AWS, which is HTTPS, nothing changes.
 */
export function makeRouteStoreClient(settings?: ClientSettings): CloudFrontKeyValueStoreClient {
  const defaults = clientDefaults(settings);
  const httpAgent = new http.Agent({ keepAlive: true, lookup: lookupLocalhost });
  return new CloudFrontKeyValueStoreClient({
    ...defaults,
    requestHandler: { ...defaults.requestHandler, httpAgent },
  });
}

const loopback = { address: '127.0.0.1', family: 4 };

const lookupLocalhost: LookupFunction = (hostname, options, callback) => {
  if (hostname !== 'localhost' && !hostname.endsWith('.localhost')) {
    dns.lookup(hostname, options, callback);
  } else if (options.all === true) {
    callback(null, [loopback]);
  } else {
    callback(null, loopback.address, loopback.family);
  }
};
