import { migration } from 'hal9-migration';

import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { logFailure } from '../../lib/aws/function-log.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { limitWorker } from '../../lib/aws/worker-limits.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const bodies = openLargeBodies(env);
const client = makeDynamoClient();
const clock = { nowMs: () => Date.now() };
const throttle = limitWorker({ client, table: env.PROGRESS_TABLE, clock });

export const handler = makeHandler({
  definition: migration,
  bodies,
  target: throttle.gated(makeTargetStore({ client, table: env.STATE_TABLE, throttle, bodies }), 'live'),
  throttle,
  quarantine: makeQuarantineStore({ client, table: env.QUARANTINE_TABLE }),
  relay: makeRelayStore({ client, table: env.PROGRESS_TABLE }),
  clock,
  onFailure: logFailure,
});
