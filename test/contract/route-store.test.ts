import {
  CloudFrontKeyValueStoreClient,
  ConflictException,
  DescribeKeyValueStoreCommand,
  GetKeyCommand,
  ResourceNotFoundException,
  UpdateKeysCommand,
} from '@aws-sdk/client-cloudfront-keyvaluestore';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, test } from 'vitest';

import { makeRouteStore as makeAwsRouteStore } from '../../lib/aws/route-store.ts';
import { makeRouteStore as makeMemoryRouteStore } from '../../lib/memory/route-store.ts';
import type { RouteStore } from '../../lib/router/ports.ts';
import type { Routes } from '../../lib/router/routes.ts';

const at = (routingEpoch: number, version: number, trafficThousandths: number): Routes => ({
  routingEpoch,
  version,
  killSwitch: false,
  hierarchicalEnabled: true,
  trafficThousandths,
});

const makers: Readonly<Record<string, (initial: string | null) => RouteStore>> = {
  'in memory': makeMemoryRouteStore,
  'in a KeyValueStore': (initial) => makeAwsRouteStore(fakeKeyValueStore(initial)),
};

describe.each(Object.entries(makers))('routes %s', (_name, makeStore) => {
  test('are none before the first publication', async () => {
    expect(await makeStore(null).read()).toBeNull();
  });

  test('are replaced by newer versions and by higher epochs', async () => {
    const store = makeStore(null);

    expect(await store.publish(at(0, 1, 5_000))).toMatchObject({ kind: 'published', replaced: null });
    expect(await store.publish(at(0, 2, 10_000))).toMatchObject({ kind: 'published' });
    expect(await store.publish(at(1, 2, 0))).toMatchObject({ kind: 'published', replaced: at(0, 2, 10_000) });
    expect(await store.read()).toEqual(at(1, 2, 0));
  });

  test('never go back: a late ramp-up does not overwrite a rollback', async () => {
    const store = makeStore(null);
    await store.publish(at(1, 2, 0));

    expect(await store.publish(at(0, 9, 50_000))).toEqual({ kind: 'kept-newer', routes: at(1, 2, 0) });
    expect(await store.publish(at(1, 1, 50_000))).toEqual({ kind: 'kept-newer', routes: at(1, 2, 0) });
    expect(await store.follow(async () => at(0, 0, 50_000))).toEqual({
      kind: 'kept-newer',
      routes: at(1, 2, 0),
    });
    expect(await store.read()).toEqual(at(1, 2, 0));
  });

  test('are left alone when nothing would change', async () => {
    const store = makeStore(null);
    await store.publish(at(1, 2, 5_000));

    expect(await store.publish(at(1, 2, 5_000))).toMatchObject({ kind: 'unchanged' });
    expect(await store.follow(async () => at(1, 0, 5_000))).toMatchObject({ kind: 'unchanged' });
    expect(await store.read()).toEqual(at(1, 2, 5_000));
  });

  test('follow what is deployed, an older version that is deployed again included', async () => {
    const store = makeStore(null);
    await store.publish(at(1, 9, 25_000));

    expect(await store.follow(async () => at(1, 0, 5_000))).toMatchObject({ kind: 'published' });
    expect(await store.follow(async () => null)).toEqual({ kind: 'nothing-deployed' });
    expect(await store.read()).toMatchObject({ trafficThousandths: 5_000 });
  });

  test('that cannot be read are replaced', async () => {
    const store = makeStore('garbage');

    expect(await store.read()).toBeNull();
    expect(await store.publish(at(0, 1, 0))).toMatchObject({ kind: 'published', replaced: null });
  });

  test('follow the newer of two configurations whatever the order in which two callers write', async () => {
    const store = makeStore(null);
    let deployed = at(0, 0, 10_000);
    let overtaken = false;

    const outcome = await store.follow(async () => {
      const seen = deployed;
      if (!overtaken) {
        overtaken = true;
        deployed = at(0, 0, 25_000);
        await store.follow(async () => deployed);
      }
      return seen;
    });

    expect(outcome).toMatchObject({ kind: 'unchanged' });
    expect(await store.read()).toMatchObject({ trafficThousandths: 25_000 });
  });

  test('keep a rollback that lands between the look and the write of a ramp-up', async () => {
    const store = makeStore(null);
    let rolledBack = false;

    const outcome = await store.follow(async () => {
      if (!rolledBack) {
        rolledBack = true;
        await store.publish(at(1, 5, 0));
      }
      return at(0, 4, 50_000);
    });

    expect(outcome).toEqual({ kind: 'kept-newer', routes: at(1, 5, 0) });
  });
});

test('a KeyValueStore that changes under every attempt is reported, not overwritten', async () => {
  const deps = fakeKeyValueStore(null, () => true);

  await expect(makeAwsRouteStore(deps).publish(at(0, 1, 0))).rejects.toMatchObject({
    name: 'RoutesContended',
  });
});

/** A key-value store with ETags, behind the real client. */
function fakeKeyValueStore(initial: string | null, isContended: () => boolean = () => false) {
  let value = initial;
  let etag = 1;
  const client = new CloudFrontKeyValueStoreClient({ region: 'us-east-1' });
  const mock = mockClient(client);
  mock.on(DescribeKeyValueStoreCommand).callsFake(() => ({ ETag: `E${etag}` }));
  mock.on(GetKeyCommand).callsFake(() => {
    if (value === null) throw new ResourceNotFoundException({ message: 'no key', $metadata: {} });
    return { Value: value };
  });
  mock.on(UpdateKeysCommand).callsFake((input: { IfMatch: string; Puts: { Value: string }[] }) => {
    if (isContended() || input.IfMatch !== `E${etag}`) {
      throw new ConflictException({ message: 'stale', $metadata: {} });
    }
    value = input.Puts[0]!.Value;
    etag += 1;
    return { ETag: `E${etag}` };
  });
  return {
    client,
    storeArn: 'arn:aws:cloudfront::1:key-value-store/routes',
    sleeper: { sleep: async () => {} },
  };
}
