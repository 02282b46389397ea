import { migration } from 'hal9-migration';

import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeRunForecasts } from '../../lib/aws/run-forecasts.ts';
import { makeSettingsStore } from '../../lib/aws/settings-store.ts';
import { makeSwitchStore } from '../../lib/aws/switch-store.ts';
import { makeWorkerSlots } from '../../lib/aws/worker-slots.ts';
import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const client = makeDynamoClient();
const clock = { nowMs: () => Date.now() };

export const handler = makeHandler({
  definition: migration,
  source: await openFlatSource(env.SOURCE, migration),
  ranges: makeRangeStore({ client, table: env.PROGRESS_TABLE, clock }),
  relay: makeRelayStore({ client, table: env.PROGRESS_TABLE }),
  reversePending: makeReversePendingStore({ client, table: env.REVERSE_PENDING_TABLE }),
  quarantine: makeQuarantineStore({ client, table: env.QUARANTINE_TABLE }),
  switches: makeSwitchStore({ client, table: env.AUTHORITY_TABLE }),
  settings: makeSettingsStore({ client, table: env.PROGRESS_TABLE }),
  slots: makeWorkerSlots({ client, table: env.PROGRESS_TABLE }),
  forecasts: makeRunForecasts({ client, table: env.PROGRESS_TABLE }),
  clock,
});
