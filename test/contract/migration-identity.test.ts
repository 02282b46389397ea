import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeMigrationIdentity } from '../../lib/aws/migration-identity.ts';
import { makeMemoryMigrationIdentity } from '../../lib/memory/migration-identity.ts';
import type { MigrationIdentity } from '../../lib/migration/transfer/ports.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

let migrations = 0;
/** Two askers of one migration. */
const adapters: Readonly<Record<string, () => Promise<readonly [MigrationIdentity, MigrationIdentity]>>> = {
  memory: () => {
    migrations += 1;
    const identity = makeMemoryMigrationIdentity(`migration-${migrations}`);
    return Promise.resolve([identity, identity]);
  },
  DynamoDB: async () => {
    const { progress } = await dynamo.createTables();
    const make = () => makeMigrationIdentity({ client: dynamo.client, table: progress });
    return [make(), make()];
  },
};

test.each(Object.entries(adapters))(
  'migration identity: %s is the same for whoever asks',
  async (_name, make) => {
    const [first, second] = await make();
    const ids = await Promise.all([first.id(), second.id(), first.id()]);

    expect(new Set(ids).size).toBe(1);
    expect(await second.id()).toBe(ids[0]);
  },
);

test.each(Object.entries(adapters))(
  'migration identity: %s is of one migration only',
  async (_name, make) => {
    const [[one], [other]] = [await make(), await make()];

    expect(await one.id()).not.toBe(await other.id());
  },
);
