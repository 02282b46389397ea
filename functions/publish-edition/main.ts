import { migration } from 'hal9-migration';

import { makeAuthorityStore } from '../../lib/aws/authority-store.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { makeEditionStore } from '../../lib/aws/edition-store.ts';
import { makeHierarchicalRecords } from '../../lib/aws/hierarchical-records.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { makeGateway } from '../../lib/gateway/gateway.ts';
import { openFlatRecords, openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const bodies = openLargeBodies(env);
const client = makeDynamoClient();
const clock = { nowMs: () => Date.now() };
const tables = {
  state: env.STATE_TABLE,
  authority: env.AUTHORITY_TABLE,
  reversePending: env.REVERSE_PENDING_TABLE,
};
const stores = { definition: migration, clock, sleeper: realSleeper };

export const handler = makeHandler({
  ...stores,
  source: await openFlatSource(env.SOURCE, migration),
  target: makeTargetStore({ client, table: env.STATE_TABLE, bodies }),
  ranges: makeRangeStore({ client, table: env.PROGRESS_TABLE, clock }),
  relay: makeRelayStore({ client, table: env.PROGRESS_TABLE }),
  reversePending: makeReversePendingStore({ client, table: env.REVERSE_PENDING_TABLE }),
  editions: makeEditionStore({ client, table: env.EDITIONS_TABLE }),
  gateway: makeGateway({
    ...stores,
    flat: await openFlatRecords(env.SOURCE, migration),
    hierarchical: makeHierarchicalRecords({ client, tables, bodies }),
    authority: makeAuthorityStore({ client, table: env.AUTHORITY_TABLE }),
    random: { next: () => Math.random() },
    maxWaitMs: 10_000,
  }),
});
