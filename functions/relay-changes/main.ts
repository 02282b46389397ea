import { migration } from 'hal9-migration';

import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeChangeQueue } from '../../lib/aws/change-queue.ts';
import { makeDynamoClient, makeSqsClient } from '../../lib/aws/clients.ts';
import { logFailure } from '../../lib/aws/function-log.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeCloudWatchClient } from '../../lib/aws/metric-client.ts';
import { makeMetricSink } from '../../lib/aws/metric-sink.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const bodies = openLargeBodies(env);
const client = makeDynamoClient();
const clock = { nowMs: () => Date.now() };

export const handler = makeHandler({
  definition: migration,
  bodies,
  source: await openFlatSource(env.SOURCE, migration),
  relay: makeRelayStore({ client, table: env.PROGRESS_TABLE }),
  queue: makeChangeQueue({ client: makeSqsClient(), queueUrl: env.CHANGE_QUEUE_URL }),
  clock,
  sleeper: realSleeper,
  metrics: makeMetricSink({ client: makeCloudWatchClient(), namespace: env.METRIC_NAMESPACE }),
  onFailure: logFailure,
  loopMs: env.LOOP_SECONDS * 1000,
});
