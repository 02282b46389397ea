import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { makeDynamoFlatRecords } from '../../lib/dynamodb/flat-records.ts';
import { planGeneration } from '../../lib/migration/generator/generate-rows.ts';
import { planServerGeneration } from '../../lib/migration/generator/server-rows.ts';
import { hal9Definition, hal9Migration } from '../../lib/migration/hal9-definition.ts';
import { encodeKey } from '../../lib/migration/key.ts';
import { encodeRow } from '../../lib/migration/row-encoding.ts';
import { inMapping } from '../../lib/migration/source-mapping.ts';
import { tableOf } from '../../lib/migration/table-lookup.ts';
import { cliCloud } from '../support/cli-cloud.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startObjects, type TestObjects } from '../support/fauxqs-s3.ts';
import { createFlatTables, flatStoreOf } from '../support/flat-tables.ts';

// Whole local clouds over stores that are used where they are, from `local up` to the other side, by commands alone.

let dynamo: TestDynamo;
let objects: TestObjects;
beforeAll(async () => {
  [dynamo, objects] = await Promise.all([startDynamo(), startObjects()]);
});
afterAll(() => Promise.all([dynamo.stop(), objects.stop()]), 60_000);

let stop: () => Promise<void> = async () => undefined;
afterEach(() => stop(), 120_000);

const serverTables = inMapping(hal9Migration, 'server');
const patience = { timeout: 900_000 };

/** Tables as a running server would have filled them; keys that are numbers are left out, since these tables have texts. */
async function filledTables(records: number): Promise<{ prefix: string; userId: string; filled: number }> {
  const prefix = await createFlatTables(dynamo.client, serverTables);
  const flat = makeDynamoFlatRecords(flatStoreOf(dynamo, prefix, serverTables));
  let userId = '';
  let filled = 0;
  for (const { recordType, row } of planServerGeneration({ records, seed: 3 }).rows()) {
    const { category, keyColumns } = tableOf(serverTables, recordType);
    const key = keyColumns.map((column) => row[column]).filter((part) => typeof part === 'string');
    if (key.length < keyColumns.length) continue;
    filled += 1;
    const id = encodeKey(key);
    expect(await flat.write(category, { recordType, id }, row, 1)).toMatchObject({ kind: 'written' });
    if (recordType === 'server-user') userId = String(row['id']);
  }
  flat.close();
  return { prefix, userId, filled };
}

test(
  'tables of another DynamoDB move to the other side, with what was written meanwhile, and back',
  patience,
  async () => {
    const { prefix, userId, filled } = await filledTables(300);
    const cloud = cliCloud('tables');
    ({ stop } = cloud);
    const { command, eventually } = cloud;
    const source = `dynamodb://${prefix}?endpoint=${dynamo.endpoint}`;
    await cloud.start(`local up --detach --source ${source} --rate 0`);

    await command('mode migration --enable');
    await command('state migrate');
    // By a program that knows nothing of the migration.
    await dynamo.client.send(
      new UpdateItemCommand({
        TableName: `${prefix}users`,
        Key: { id: { S: userId } },
        UpdateExpression: 'SET username = :name',
        ExpressionAttributeValues: { ':name': { S: 'written meanwhile' } },
      }),
    );
    const before = await eventually('state verify');
    await eventually('mode migration --disable-dual-write');
    const over = await eventually('state verify');

    expect(filled).toBeGreaterThan(100);
    expect(before.out).toContain(`Verified: ${filled} (100%)\n`);
    expect(over.out).toContain(`Verified: ${filled} (100%)\n`);
    expect((await command('state status')).out).toContain('Write Mode: hierarchical-only');

    await eventually('mode flat-only --force');
    const { Item } = await dynamo.client.send(
      new GetItemCommand({ TableName: `${prefix}users`, Key: { id: { S: userId } } }),
    );
    expect(Item?.['username']).toEqual({ S: 'written meanwhile' });
    expect((await command('state status')).out).not.toContain('hierarchical-only');
    await eventually('state verify');
  },
);

/** Objects with the rows of a canonical store, one for each table. */
async function filledBucket(records: number): Promise<string> {
  const bucket = await objects.createBucket();
  const bodies = new Map(hal9Definition.tables.map(({ table }) => [table, '']));
  for (const { recordType, row } of planGeneration({ records, seed: 3 }).rows()) {
    const { table } = tableOf(hal9Definition, recordType);
    bodies.set(table, `${bodies.get(table) ?? ''}${encodeRow(row)}\n`);
  }
  for (const [table, Body] of bodies)
    await objects.client.send(new PutObjectCommand({ Bucket: bucket, Key: `export/${table}.jsonl`, Body }));
  return bucket;
}

test('objects of another S3 move to the other side, and stay there', patience, async () => {
  const bucket = await filledBucket(300);
  const cloud = cliCloud('objects');
  ({ stop } = cloud);
  const { command, eventually } = cloud;
  await cloud.start(`local up --detach --source s3://${bucket}/export/?endpoint=${objects.endpoint}`);

  await command('mode migration --enable');
  await command('state migrate');
  const before = await eventually('state verify');
  await eventually('mode migration --disable-dual-write');

  expect(before.out).toMatch(/^Mismatches: 0\nMissing: 0\nExtra: 0$/m);
  expect((await command('state status')).out).toContain('Write Mode: hierarchical-only');
  expect((await command('mode flat-only --force', 9)).err).toContain('only read');
});
