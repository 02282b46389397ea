import { afterAll, beforeAll } from 'vitest';

import { makeReverseCanaries } from '../../lib/aws/reverse-canaries.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { makeMemoryReverseCanaries } from '../../lib/memory/reverse-canaries.ts';
import { makeMemoryReversePendingStore } from '../../lib/memory/reverse-pending-store.ts';
import { makeMemoryTargetStore } from '../../lib/memory/target-store.ts';
import { makeMemoryWorld } from '../../lib/memory/world.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { reverseCanariesContract } from './reverse-canaries.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

reverseCanariesContract('memory', () => {
  const world = makeMemoryWorld();
  return Promise.resolve({
    canaries: makeMemoryReverseCanaries(world),
    target: makeMemoryTargetStore(world),
    reversePending: makeMemoryReversePendingStore(world),
  });
});

reverseCanariesContract('DynamoDB', async () => {
  const tables = await dynamo.createTables();
  const { client } = dynamo;
  return {
    canaries: makeReverseCanaries({ client, tables }),
    target: makeTargetStore({ client, table: tables.state }),
    reversePending: makeReversePendingStore({ client, table: tables.reversePending }),
  };
});
