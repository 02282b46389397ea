import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { clientDefaults } from '../../lib/aws/clients.ts';
import { readDeployedFlags } from '../../lib/aws/flag-reader.ts';
import { makeCloudWatchClient } from '../../lib/aws/metric-client.ts';
import { makeMetricSink } from '../../lib/aws/metric-sink.ts';
import { makeRouteStoreClient } from '../../lib/aws/route-store-client.ts';
import { makeRouteStore } from '../../lib/aws/route-store.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const flagsClient = new AppConfigDataClient(clientDefaults());
const location = {
  application: env.APPCONFIG_APPLICATION,
  environment: env.APPCONFIG_ENVIRONMENT,
  profile: env.APPCONFIG_PROFILE,
};

export const handler = makeHandler({
  readDeployed: () => readDeployedFlags(flagsClient, location),
  routes: makeRouteStore({
    client: makeRouteStoreClient(),
    storeArn: env.ROUTE_STORE_ARN,
    sleeper: realSleeper,
  }),
  metrics: makeMetricSink({
    client: makeCloudWatchClient(),
    namespace: env.METRIC_NAMESPACE,
  }),
  clock: { nowMs: () => Date.now() },
});
