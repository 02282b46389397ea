import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { clientDefaults, makeSqsClient } from '../../lib/aws/clients.ts';
import { makeFlagReader } from '../../lib/aws/flag-reader.ts';
import { makeCloudWatchClient } from '../../lib/aws/metric-client.ts';
import { makeMetricSink } from '../../lib/aws/metric-sink.ts';
import { makeShadowQueue } from '../../lib/aws/shadow-queue.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const clock = { nowMs: () => Date.now() };
const location = {
  application: env.APPCONFIG_APPLICATION,
  environment: env.APPCONFIG_ENVIRONMENT,
  profile: env.APPCONFIG_PROFILE,
};
const cloudWatch = makeCloudWatchClient();

export const handler = makeHandler({
  metrics: makeMetricSink({ client: cloudWatch, namespace: env.METRIC_NAMESPACE }),
  shadow: makeShadowQueue({ client: makeSqsClient(), queueUrl: env.SHADOW_QUEUE_URL }),
  flags: makeFlagReader({ client: new AppConfigDataClient(clientDefaults()), location, clock }),
  clock,
});
