import { afterAll, beforeAll } from 'vitest';

import { makeBudgetLine } from '../../lib/aws/budget-line.ts';
import { makeSettingsStore } from '../../lib/aws/settings-store.ts';
import { makeWorkerSlots } from '../../lib/aws/worker-slots.ts';
import { makeMemoryBudgetLine } from '../../lib/memory/budget-line.ts';
import { makeMemorySettingsStore } from '../../lib/memory/settings-store.ts';
import { makeMemoryWorkerSlots } from '../../lib/memory/worker-slots.ts';
import { noSleep } from '../support/state-records.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { budgetLineContract } from './budget-line.ts';
import { settingsStoreContract } from './settings-store.ts';
import { workerSlotsContract } from './worker-slots.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

const inProgressTable = async () => {
  const { progress } = await dynamo.createTables();
  return { client: dynamo.client, table: progress, sleeper: noSleep };
};

budgetLineContract('memory', () => Promise.resolve(makeMemoryBudgetLine()));
budgetLineContract('DynamoDB', async () => makeBudgetLine(await inProgressTable()));
settingsStoreContract('memory', () => Promise.resolve(makeMemorySettingsStore()));
settingsStoreContract('DynamoDB', async () => makeSettingsStore(await inProgressTable()));
workerSlotsContract('memory', () => Promise.resolve(makeMemoryWorkerSlots()));
workerSlotsContract('DynamoDB', async () => makeWorkerSlots(await inProgressTable()));
