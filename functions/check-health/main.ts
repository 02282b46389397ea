import { makeHealthProbe } from '../../lib/aws/health-probe.ts';
import { makeCloudWatchClient } from '../../lib/aws/metric-client.ts';
import { makeMetricSink } from '../../lib/aws/metric-sink.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);

export const handler = makeHandler({
  probe: makeHealthProbe({
    origins: { flat: env.FLAT_ORIGIN_URL, hierarchical: env.HIERARCHICAL_ORIGIN_URL },
  }),
  metrics: makeMetricSink({
    client: makeCloudWatchClient(),
    namespace: env.METRIC_NAMESPACE,
  }),
  clock: { nowMs: () => Date.now() },
});
