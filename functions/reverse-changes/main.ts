import { migration } from 'hal9-migration';

import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { logFailure } from '../../lib/aws/function-log.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const bodies = openLargeBodies(env);
const client = makeDynamoClient();

export const handler = makeHandler({
  definition: migration,
  source: await openFlatSource(env.SOURCE, migration),
  target: makeTargetStore({ client, table: env.STATE_TABLE, bodies }),
  reversePending: makeReversePendingStore({ client, table: env.REVERSE_PENDING_TABLE }),
  onFailure: logFailure,
});
