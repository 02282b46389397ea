import { migration } from 'hal9-migration';

import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { makeHierarchicalRecords } from '../../lib/aws/hierarchical-records.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeLayerManifestStore } from '../../lib/aws/layer-manifest-store.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { openFlatSource, openFlatWriter } from '../../lib/sources/open-flat-source.ts';
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

export const handler = makeHandler({
  definition: migration,
  source: await openFlatSource(env.SOURCE, migration),
  flatWriter: await openFlatWriter(env.SOURCE, migration),
  target: makeTargetStore({ client, table: env.STATE_TABLE, bodies }),
  hierarchical: makeHierarchicalRecords({ client, tables, bodies }),
  quarantine: makeQuarantineStore({ client, table: env.QUARANTINE_TABLE }),
  ranges: makeRangeStore({ client, table: env.PROGRESS_TABLE, clock }),
  relay: makeRelayStore({ client, table: env.PROGRESS_TABLE }),
  manifests: makeLayerManifestStore({ client, table: env.PROGRESS_TABLE }),
  clock,
  sleeper: realSleeper,
  timeBudgetMs: env.TIME_BUDGET_SECONDS * 1000,
});
