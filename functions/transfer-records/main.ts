import { migration } from 'hal9-migration';

import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeMigrationIdentity } from '../../lib/aws/migration-identity.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { limitWorker } from '../../lib/aws/worker-limits.ts';
import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const bodies = openLargeBodies(env);
const client = makeDynamoClient();
const clock = { nowMs: () => Date.now() };
const throttle = limitWorker({ client, table: env.PROGRESS_TABLE, clock });

export const handler = makeHandler({
  definition: migration,
  source: await openFlatSource(env.SOURCE, migration),
  target: throttle.gated(makeTargetStore({ client, table: env.STATE_TABLE, throttle, bodies }), 'copy'),
  identity: makeMigrationIdentity({ client, table: env.PROGRESS_TABLE }),
  bodies,
  throttle,
  clock,
  timeBudgetMs: env.TIME_BUDGET_SECONDS * 1000,
});
