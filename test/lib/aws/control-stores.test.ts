import { afterAll, beforeAll } from 'vitest';

import { makeAuditLog } from '../../../lib/aws/audit-log.ts';
import { makeCheckpointStore } from '../../../lib/aws/checkpoint-store.ts';
import { makeLock } from '../../../lib/aws/lock.ts';
import { makeRunStore } from '../../../lib/aws/run-store.ts';
import { makeMemoryAuditLog } from '../../../lib/memory/audit-log.ts';
import { makeMemoryCheckpointStore } from '../../../lib/memory/checkpoint-store.ts';
import { makeMemoryLock } from '../../../lib/memory/lock.ts';
import { makeMemoryRunStore } from '../../../lib/memory/run-store.ts';
import { controlStoresContract } from '../../contract/control-stores.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

function steppedClock() {
  let nowMs = 1_000_000;
  return {
    clock: { nowMs: () => nowMs },
    advance: (durationMs: number) => {
      nowMs += durationMs;
    },
  };
}

controlStoresContract('memory', async () => {
  const { clock, advance } = steppedClock();
  return {
    runs: makeMemoryRunStore(),
    audit: makeMemoryAuditLog(),
    checkpoints: makeMemoryCheckpointStore(),
    lock: makeMemoryLock(clock),
    advance,
  };
});

controlStoresContract('DynamoDB', async () => {
  const { client } = dynamo;
  const { control: table } = await dynamo.createTables();
  const { clock, advance } = steppedClock();
  return {
    runs: makeRunStore({ client, table }),
    audit: makeAuditLog({ client, table }),
    checkpoints: makeCheckpointStore({ client, table }),
    lock: makeLock({ client, table, clock, name: 'rollback' }),
    advance,
  };
});
