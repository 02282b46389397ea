import { migration } from 'hal9-migration';

import { makeAuditLog } from '../../lib/aws/audit-log.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { makeDigestStore } from '../../lib/aws/digest-store.ts';
import { makeKeptDigestStore } from '../../lib/aws/kept-digest-store.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeCloudWatchClient } from '../../lib/aws/metric-client.ts';
import { makeMetricSink } from '../../lib/aws/metric-sink.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeSettingsStore } from '../../lib/aws/settings-store.ts';
import { makeStateStream, makeStreamsClient } from '../../lib/aws/state-stream.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const bodies = openLargeBodies(env);
const client = makeDynamoClient();
const clock = { nowMs: () => Date.now() };

export const handler = makeHandler({
  definition: migration,
  source: await openFlatSource(env.SOURCE, migration),
  target: makeTargetStore({ client, table: env.STATE_TABLE, bodies }),
  quarantine: makeQuarantineStore({ client, table: env.QUARANTINE_TABLE }),
  ranges: makeRangeStore({ client, table: env.PROGRESS_TABLE, clock }),
  relay: makeRelayStore({ client, table: env.PROGRESS_TABLE }),
  digests: makeDigestStore({ client, table: env.PROGRESS_TABLE }),
  kept: makeKeptDigestStore({ client, table: env.PROGRESS_TABLE }),
  stream: makeStateStream({ client, streams: makeStreamsClient(), table: env.STATE_TABLE, clock, bodies }),
  settings: makeSettingsStore({ client, table: env.PROGRESS_TABLE }),
  audit: makeAuditLog({ client, table: env.CONTROL_TABLE }),
  metrics: makeMetricSink({
    client: makeCloudWatchClient(),
    namespace: env.METRIC_NAMESPACE,
  }),
  clock,
  sleeper: realSleeper,
  loopMs: env.LOOP_SECONDS * 1000,
});
