import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { makeDynamoFlatSource } from '../../../lib/dynamodb/flat-source.ts';
import { installChangeLog } from '../../../lib/dynamodb/install-change-log.ts';
import { makeStreamLogger } from '../../../lib/dynamodb/log-streams.ts';
import { makeStreamReader, type StreamReader, type StreamRecord } from '../../../lib/dynamodb/read-stream.ts';
import { makeReads } from '../../../lib/dynamodb/read-images.ts';
import type { FlatStore } from '../../../lib/dynamodb/flat-store.ts';
import { smallDefinition } from '../../simulation/definition.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';
import { createFlatTables, flatStoreOf } from '../../support/flat-tables.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

const category = 'user-sessions';
const hourMs = 3_600_000;

let store: FlatStore;
let laterMs: number;
beforeEach(async () => {
  laterMs = 0;
  const prefix = await createFlatTables(dynamo.client, smallDefinition);
  const clock = { nowMs: () => Date.now() + laterMs };
  store = flatStoreOf(dynamo, prefix, smallDefinition, { clock });
  const reader = makeStreamReader(dynamo.streams, clock);
  await installChangeLog(store, reader, makeStreamLogger(store, reader));
});

let numbers = 0;
function change(id: string, payload: string): StreamRecord {
  numbers += 1;
  const keys = { id: { S: id } };
  return {
    sequenceNumber: String(1_000 + numbers),
    keys,
    before: null,
    isExpiry: false,
    after: { ...keys, payload: { S: payload } },
  };
}

/** Shards that are only made up; a shard gives one record a page, and ends when it says so. */
function madeUp(
  shards: readonly { id: string; parent?: string; records: readonly StreamRecord[]; isClosed?: boolean }[],
): StreamReader {
  return {
    shards: (arn) =>
      Promise.resolve(
        arn === arnOfSessions()
          ? shards.map(({ id, parent = null }) => ({ shardId: id, parentId: parent }))
          : [],
      ),
    tail: () => Promise.reject(new Error('nobody asks')),
    read(_arn, shardId, from) {
      const { records = [], isClosed = false } = shards.find(({ id }) => id === shardId) ?? {};
      const after = from === 'horizon' ? null : from.after;
      const at = after === null ? 0 : records.findIndex(({ sequenceNumber }) => sequenceNumber === after) + 1;
      const page = records.slice(at, at + 1);
      const isLast = at + page.length >= records.length;
      return Promise.resolve({ kind: 'page', records: page, isOver: isClosed && isLast, isAtTip: isLast });
    },
  };
}

let sessionsArn = '';
const arnOfSessions = (): string => sessionsArn;
beforeEach(async () => {
  sessionsArn = (await store.layout('session'))?.streamArn ?? '';
});

describe('shards', () => {
  test('of a split table are logged parent before child, in whatever order they are listed', async () => {
    const parent = [change('a', 'first'), change('a', 'second')];
    const child = [change('a', 'third')];
    const reader = madeUp([
      { id: 'child', parent: 'parent', records: child },
      { id: 'parent', records: parent, isClosed: true },
    ]);
    const reads = makeReads(store, makeStreamLogger(store, reader));

    const { images, entryCount } = await reads.readChanges(category, 0, 10);

    expect(entryCount).toBe(3);
    expect(images).toMatchObject([{ row: { payload: 'third' }, version: { sequence: 3 } }]);
  });

  test('are logged once, by however many at once', async () => {
    const records = Array.from({ length: 12 }, (_, at) => change(`k${at % 3}`, String(at)));
    const readers = Array.from({ length: 4 }, () => madeUp([{ id: 'only', records }]));

    await Promise.all(readers.map((reader) => makeStreamLogger(store, reader).catchUp(category)));

    const reads = makeReads(store, makeStreamLogger(store, readers[0]!));
    const { images, entryCount } = await reads.readChanges(category, 0, 100);
    expect(entryCount).toBe(12);
    expect(new Set(images.map(({ row }) => row?.['payload']))).toEqual(new Set(['9', '10', '11']));
  });
});

test('a logger that slept since it read takes nothing back', async () => {
  const records = [change('a', 'first'), change('a', 'second')];
  const awake = madeUp([{ id: 'only', records }]);
  const [asleep, wake] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const sleepy: StreamReader = {
    ...awake,
    async read(...at) {
      const page = await awake.read(...at);
      asleep.resolve();
      await wake.promise;
      return page;
    },
  };

  const late = makeStreamLogger(store, sleepy).look(category);
  await asleep.promise;
  await makeStreamLogger(store, awake).look(category);
  await makeStreamLogger(store, awake).look(category);
  wake.resolve();

  expect((await late).log.sequence).toBe(2);
});

/** A stream that goes no longer back to where it was read. */
function trimmed(records: readonly StreamRecord[]): StreamReader {
  const reader = madeUp([{ id: 'only', records }]);
  return {
    ...reader,
    read: (arn, shardId, from) =>
      from === 'horizon' ? reader.read(arn, shardId, from) : Promise.resolve({ kind: 'trimmed' }),
  };
}

test('what a table expires by itself is no write past the gateway, and is logged when flat is open again', async () => {
  const { client } = dynamo;
  const source = makeDynamoFlatSource(store);
  const name = (await store.layout('session'))?.name ?? '';
  await client.send(new PutItemCommand({ TableName: name, Item: { id: { S: 'a' }, payload: { S: 'x' } } }));
  await source.fence(category, 1);
  await source.follow(category, 2);
  await client.send(new DeleteItemCommand({ TableName: name, Key: { id: { S: 'a' } } }));
  const reader = makeStreamReader(dynamo.streams, store.clock);
  const expiring: StreamReader = {
    ...reader,
    async read(...at) {
      const page = await reader.read(...at);
      if (page.kind === 'trimmed') return page;
      return { ...page, records: page.records.map((record) => ({ ...record, isExpiry: true })) };
    },
  };

  expect((await makeStreamLogger(store, expiring).catchUp(category)).strays).toBe(0);
  expect(await source.open(category, 3)).toBe(true);

  const { images } = await source.readChanges(category, 1, 10);
  expect(images).toMatchObject([{ key: { id: 'a' }, row: null, version: { epoch: 3 } }]);
});

describe('a place that the stream no longer has', () => {
  test('has lost nothing when the end was seen within the time that it keeps', async () => {
    laterMs = 20 * hourMs;

    const log = await makeStreamLogger(store, trimmed([change('a', 'x')])).look(category);

    expect(log.log.sequence).toBe(1);
  });

  test('is a lost log when it was not, by name and for good', async () => {
    laterMs = 24 * hourMs;
    const logger = makeStreamLogger(store, trimmed([change('a', 'x')]));

    await expect(logger.catchUp(category)).rejects.toMatchObject({ name: 'ChangeLogLost', exit: 'conflict' });
    await expect(logger.catchUp(category)).rejects.toMatchObject({ name: 'ChangeLogLost' });
  });

  test('is a lost log when a shard went unread', async () => {
    const first = makeStreamLogger(store, madeUp([{ id: 'old', records: [change('a', 'x')] }]));
    await first.catchUp(category);
    laterMs = 30 * hourMs;

    const next = makeStreamLogger(store, madeUp([{ id: 'new', records: [change('b', 'x')] }]));

    await expect(next.catchUp(category)).rejects.toMatchObject({ name: 'ChangeLogLost' });
  });
});

test('a table without a stream that has both images is refused, and told how to get one', async () => {
  const none = await createFlatTables(dynamo.client, smallDefinition, [], null);
  const half = await createFlatTables(dynamo.client, smallDefinition, [], 'NEW_IMAGE');

  for (const prefix of [none, half]) {
    const source = makeDynamoFlatSource(flatStoreOf(dynamo, prefix, smallDefinition));
    await expect(source.installChangeLog()).rejects.toMatchObject({
      name: 'StreamUnsuitable',
      message: expect.stringContaining(`${prefix}sessions`) as string,
      remedy: expect.stringContaining('NEW_AND_OLD_IMAGES') as string,
    });
  }
});

test('rows beyond the size of an item beside another are logged whole', async () => {
  const records = [change('a', 'x'.repeat(395_000))];
  const reads = makeReads(store, makeStreamLogger(store, madeUp([{ id: 'only', records }])));

  const { images } = await reads.readChanges(category, 0, 10);

  expect(String(images[0]?.row?.['payload']).length).toBe(395_000);
});
