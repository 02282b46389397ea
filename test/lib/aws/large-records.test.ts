import { GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import { makeAuthorityStore } from '../../../lib/aws/authority-store.ts';
import { makeHierarchicalRecords } from '../../../lib/aws/hierarchical-records.ts';
import { makeLargeBodies } from '../../../lib/aws/large-bodies.ts';
import { makeStateStream } from '../../../lib/aws/state-stream.ts';
import { makeTargetStore } from '../../../lib/aws/target-store.ts';
import type { Clock } from '../../../lib/kernel/clock.ts';
import { groupOf } from '../../../lib/migration/bucket.ts';
import type { StreamChange } from '../../../lib/migration/kept/ports.ts';
import { recordPk } from '../../../lib/migration/key.ts';
import type { TargetStore } from '../../../lib/migration/ports.ts';
import type { StoredRecord } from '../../../lib/migration/record.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';
import { startObjects, type TestObjects } from '../../support/fauxqs-s3.ts';
import { aRecord } from '../../support/state-records.ts';

const at = (epoch: number, sequence: number) => ({ epoch, sequence });
const large = (mark: string, length = 1_000_000): string => `{"mark":"${mark}${'x'.repeat(length)}"}`;

let dynamo: TestDynamo;
let objects: TestObjects;
let tables: Awaited<ReturnType<TestDynamo['createTables']>>;
let bucket: string;
let target: TargetStore;

beforeAll(async () => {
  [dynamo, objects] = await Promise.all([startDynamo(), startObjects()]);
});
afterAll(() => Promise.all([dynamo.stop(), objects.stop()]));
beforeEach(async () => {
  tables = await dynamo.createTables();
  bucket = await objects.createBucket();
  target = makeTargetStore({ client: dynamo.client, table: tables.state, bodies: bodies() });
});

const bodies = (clock: Clock = { nowMs: () => Date.now() }) =>
  makeLargeBodies({ client: objects.client, bucket, clock });

async function stored(id = 'one'): Promise<StoredRecord | undefined> {
  const { key } = aRecord({ id });
  return (await target.read([key])).get(recordPk(key));
}

async function itemOf(id: string) {
  const Key = { pk: { S: recordPk(aRecord({ id }).key) }, sk: { S: '.' } };
  const { Item } = await dynamo.client.send(new GetItemCommand({ TableName: tables.state, Key }));
  return Item;
}

describe('a record whose body no item holds', () => {
  test.each(['insertIfAbsent', 'applyVersioned', 'repair'] as const)(
    'is written by %s and comes back whole',
    async (way) => {
      const record = aRecord({ body: large('a') });

      expect(await target[way]([record])).toEqual(['written']);

      expect(await stored()).toEqual({ ...record, intact: true });
      expect((await itemOf('one'))?.['body']).toBeUndefined();
      expect((await itemOf('one'))?.['bodyName']?.S).toMatch(/^\d{4}-\d\d-\d\d\/[0-9a-f]{64}$/);
    },
  );

  test('obeys the same conditions as any other', async () => {
    await target.applyVersioned([aRecord({ version: at(1, 5), body: large('new') })]);

    expect(await target.insertIfAbsent([aRecord({ body: large('b') })])).toEqual(['kept-newer']);
    expect(await target.applyVersioned([aRecord({ version: at(1, 4), body: large('old') })])).toEqual([
      'kept-newer',
    ]);

    expect((await stored())?.body).toContain('"new');
  });

  test("is not intact when its body is damaged or gone, and never somebody else's", async () => {
    await target.insertIfAbsent([aRecord({ body: large('a') })]);
    const name = (await itemOf('one'))?.['bodyName']?.S ?? '';

    await objects.flipBit(bucket, `bodies/${name}`, 100);

    expect(await stored()).toMatchObject({ state: 'live', body: null, intact: false });
    expect(await target.repair([aRecord({ body: large('a') })])).toEqual(['written']);
    expect((await stored())?.intact).toBe(true);
  });

  test('is never named before its body is there', async () => {
    const failing = { ...bodies(), put: () => Promise.reject(new Error('S3 is away')) };
    const broken = makeTargetStore({ client: dynamo.client, table: tables.state, bodies: failing });

    for (const way of ['insertIfAbsent', 'applyVersioned', 'repair'] as const) {
      await expect(broken[way]([aRecord({ body: large('a') })])).rejects.toThrow('S3 is away');
    }

    expect((await dynamo.client.send(new ScanCommand({ TableName: tables.state }))).Items).toEqual([]);
  });

  test('is scanned with a bounded number of others at once, and none is left out', async () => {
    const records = Array.from({ length: 8 }, (_, number) =>
      aRecord({ id: String(number), body: large(String(number), 3_000_000) }),
    );
    for (const record of records) await target.insertIfAbsent([record]);

    const pages: number[] = [];
    const found = new Map<string, StoredRecord>();
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<TargetStore['scan']>> = await target.scan({
        segment: 0,
        segmentCount: 1,
        cursor,
        limit: 100,
      });
      pages.push(page.records.length);
      for (const record of page.records) found.set(record.key.id, record);
      ({ cursor } = page);
    } while (cursor !== null);

    expect(Math.max(...pages)).toBeLessThanOrEqual(5);
    expect(found.size).toBe(8);
    expect([...found.values()].every(({ intact }) => intact)).toBe(true);
  });

  test('is refused without a place for it, by the store and not by chance', async () => {
    const without = makeTargetStore({ client: dynamo.client, table: tables.state });

    await expect(without.insertIfAbsent([aRecord({ body: large('a') })])).rejects.toMatchObject({
      name: expect.stringMatching(/^(StoreRefusedItem|ValidationException)$/) as string,
    });
  });
});

test('the gateway writes and reads such a record under hierarchical authority, and knows its own write again', async () => {
  const authority = makeAuthorityStore({ client: dynamo.client, table: tables.authority });
  const records = makeHierarchicalRecords({ client: dynamo.client, tables, bodies: bodies() });
  const record = aRecord({ version: at(2, 1), origin: 'hierarchical', body: large('mine') });
  await authority.initialize(record.category, 1);
  await authority.open(record.category, 'hierarchical', 2);
  const guard = { group: groupOf(record.key), expected: null };

  expect(await records.write(record, guard)).toBe('written');
  expect(await records.read(record.key)).toEqual({ ...record, intact: true });

  expect(await records.write(record, guard)).toBe('written');
  const other = aRecord({ version: at(2, 1), origin: 'hierarchical', body: large('other') });
  expect(await records.write(other, guard)).toBe('version-moved');
});

test('a write that is repeated after midnight is known again, though its body has another name by now', async () => {
  const authority = makeAuthorityStore({ client: dynamo.client, table: tables.authority });
  const record = aRecord({ version: at(2, 1), origin: 'hierarchical', body: large('mine') });
  await authority.initialize(record.category, 1);
  await authority.open(record.category, 'hierarchical', 2);
  const guard = { group: groupOf(record.key), expected: null };
  const on = (day: number) => {
    const clock = { nowMs: () => Date.UTC(2026, 10, day) };
    return makeHierarchicalRecords({ client: dynamo.client, tables, bodies: bodies(clock) });
  };

  expect(await on(22).write(record, guard)).toBe('written');
  expect(await on(23).write(record, guard)).toBe('written');

  expect(await on(23).read(record.key)).toEqual({ ...record, intact: true });
});

test('a change of such a record comes whole out of the stream, before and after', async () => {
  const streams = new DynamoDBStreamsClient({
    endpoint: dynamo.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const clock = { nowMs: () => Date.now() };
  const stream = makeStateStream({
    client: dynamo.client,
    streams,
    table: tables.state,
    clock,
    bodies: bodies(),
  });
  const start = await stream.latest();
  await target.applyVersioned([aRecord({ version: at(1, 1), body: large('a') })]);
  await target.applyVersioned([aRecord({ version: at(1, 2), body: large('b') })]);

  const changes: StreamChange[] = [];
  let position = start;
  await vi.waitFor(async () => {
    const page = await stream.read(position);
    if (page === null) throw new Error('the stream is gone');
    changes.push(...page.changes);
    ({ position } = page);
    expect(changes).toHaveLength(2);
  });

  expect(changes[1]).toMatchObject({ before: { intact: true }, after: { intact: true } });
  expect(changes[1]?.after?.body).toBe(large('b'));
  streams.destroy();
});
