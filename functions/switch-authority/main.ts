import { migration } from 'hal9-migration';

import { makeAuthorityStore } from '../../lib/aws/authority-store.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { logFailure } from '../../lib/aws/function-log.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeLayerManifestStore } from '../../lib/aws/layer-manifest-store.ts';
import { makeCloudWatchClient } from '../../lib/aws/metric-client.ts';
import { makeMetricSink } from '../../lib/aws/metric-sink.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeReverseCanaries } from '../../lib/aws/reverse-canaries.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeSettingsStore } from '../../lib/aws/settings-store.ts';
import { makeSwitchStore } from '../../lib/aws/switch-store.ts';
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
  bodies,
  source: await openFlatSource(env.SOURCE, migration),
  target: makeTargetStore({ client, table: env.STATE_TABLE, bodies }),
  quarantine: makeQuarantineStore({ client, table: env.QUARANTINE_TABLE }),
  authority: makeAuthorityStore({ client, table: env.AUTHORITY_TABLE }),
  ranges: makeRangeStore({ client, table: env.PROGRESS_TABLE, clock }),
  relay: makeRelayStore({ client, table: env.PROGRESS_TABLE }),
  reversePending: makeReversePendingStore({ client, table: env.REVERSE_PENDING_TABLE }),
  switches: makeSwitchStore({ client, table: env.AUTHORITY_TABLE }),
  clock,
  guards: {
    canaries: makeReverseCanaries({
      client,
      tables: { state: env.STATE_TABLE, reversePending: env.REVERSE_PENDING_TABLE },
    }),
    settings: makeSettingsStore({ client, table: env.PROGRESS_TABLE }),
    layers: makeLayerManifestStore({ client, table: env.PROGRESS_TABLE }),
    sleeper: realSleeper,
  },
  metrics: makeMetricSink({
    client: makeCloudWatchClient(),
    namespace: env.METRIC_NAMESPACE,
  }),
  onFailure: logFailure,
});
