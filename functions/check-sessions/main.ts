import { migration } from 'hal9-migration';

import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
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
  ranges: makeRangeStore({ client, table: env.PROGRESS_TABLE, clock }),
  relay: makeRelayStore({ client, table: env.PROGRESS_TABLE }),
  clock,
  sleeper: realSleeper,
  timeBudgetMs: env.TIME_BUDGET_SECONDS * 1000,
});
