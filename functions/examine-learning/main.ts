import { migration } from 'hal9-migration';

import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const bodies = openLargeBodies(env);

export const handler = makeHandler({
  definition: migration,
  source: await openFlatSource(env.SOURCE, migration),
  target: makeTargetStore({ client: makeDynamoClient(), table: env.STATE_TABLE, bodies }),
  clock: { nowMs: () => Date.now() },
  sleeper: realSleeper,
  timeBudgetMs: env.TIME_BUDGET_SECONDS * 1000,
});
