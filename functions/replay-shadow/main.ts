import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { makeCloudWatchClient } from '../../lib/aws/metric-client.ts';
import { makeMetricSink } from '../../lib/aws/metric-sink.ts';
import { makeShadowDifferences } from '../../lib/aws/shadow-differences.ts';
import { makeShadowOrigins } from '../../lib/aws/shadow-origins.ts';
import { defaultIgnoreRules } from '../../lib/shadow/ignore-rules.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const cloudWatch = makeCloudWatchClient();

export const handler = makeHandler({
  origins: makeShadowOrigins({
    control: new URL(env.FLAT_ORIGIN_URL),
    candidate: new URL(env.HIERARCHICAL_ORIGIN_URL),
  }),
  sleeper: realSleeper,
  rules: defaultIgnoreRules,
  differences: makeShadowDifferences({ client: makeDynamoClient(), table: env.SHADOW_TABLE }),
  metrics: makeMetricSink({ client: cloudWatch, namespace: env.METRIC_NAMESPACE }),
  clock: { nowMs: () => Date.now() },
});
