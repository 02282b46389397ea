import { DeleteItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { makeDynamoFlatRecords } from '../../../lib/dynamodb/flat-records.ts';
import { makeDynamoFlatSource } from '../../../lib/dynamodb/flat-source.ts';
import type { FlatRecords } from '../../../lib/gateway/ports.ts';
import type { FlatSource } from '../../../lib/migration/ports.ts';
import { smallDefinition } from '../../simulation/definition.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';
import { createFlatTables, flatStoreOf } from '../../support/flat-tables.ts';
import { heldStream } from '../../support/held-stream.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

const category = 'user-sessions';
const key = (id: string) => ({ recordType: 'session', id });

let source: FlatSource;
let records: FlatRecords;
let table: string;
let hold: (looks: number) => void;
beforeEach(async () => {
  const prefix = await createFlatTables(dynamo.client, smallDefinition);
  const held = heldStream(dynamo.streams);
  ({ hold } = held);
  table = `${prefix}sessions`;
  source = makeDynamoFlatSource(flatStoreOf({ ...dynamo, streams: held.client }, prefix, smallDefinition));
  records = makeDynamoFlatRecords(flatStoreOf(dynamo, prefix, smallDefinition));
  await source.installChangeLog();
});

const put = (id: string, payload: string) => records.write(category, key(id), { id, payload }, 1);
/** A program that knows nothing of the migration. */
const putPast = (id: string, payload: string) =>
  dynamo.client.send(
    new PutItemCommand({ TableName: table, Item: { id: { S: id }, payload: { S: payload } } }),
  );
const current = async (id: string) => (await source.readCurrent(category, [key(id)])).images[0];
const reverse = (id: string, sequence: number, payload: string) =>
  source.applyReverse(category, [{ key: key(id), version: { epoch: 2, sequence }, row: { id, payload } }]);

async function follow(): Promise<void> {
  await source.fence(category, 1);
  expect(await source.follow(category, 2)).toBe(true);
}

describe('a fence', () => {
  test('knows the last write that was let in, however late the stream shows it', async () => {
    await put('a', 'early');
    await source.lowWatermark(category);
    await put('b', 'late');
    hold(6);

    const fence = await source.fence(category, 1);

    expect(fence).toEqual({ fenced: true, last: { epoch: 1, sequence: 2 } });
    expect(await current('b')).toMatchObject({ row: { payload: 'late' }, version: { sequence: 2 } });
    expect((await source.readChanges(category, 1, 10)).images.map(({ key: { id } }) => id)).toEqual(['b']);
  });

  test('leaves no barrier behind, and nobody sees one', async () => {
    await put('a', 'x');
    await source.fence(category, 1);

    const { Items } = await dynamo.client.send(new ScanCommand({ TableName: table }));

    expect(Items).toHaveLength(1);
    expect(await source.countRows('session')).toBe(1);
    expect((await source.readChanges(category, 0, 10)).entryCount).toBe(1);
  });

  test('holds against a writer that read the authority before', async () => {
    await put('a', 'x');
    await source.fence(category, 1);
    await source.unfence(category, 1);
    expect(await put('a', 'y')).toEqual({ kind: 'written' });
    await source.fence(category, 1);

    expect(await put('a', 'z')).toMatchObject({ kind: 'refused' });
  });
});

describe('writes past the gateway', () => {
  test('are logged while flat has authority', async () => {
    await putPast('a', 'x');

    expect(await current('a')).toMatchObject({ row: { payload: 'x' }, version: { epoch: 1, sequence: 1 } });
  });

  test('after the fence keep flat from following until they are carried over', async () => {
    await source.fence(category, 1);
    await putPast('a', 'straggler');

    expect(await source.follow(category, 2)).toBe(false);
    expect(await source.fence(category, 1)).toEqual({ fenced: true, last: { epoch: 1, sequence: 1 } });
    expect(await source.follow(category, 2)).toBe(true);

    expect((await source.readChanges(category, 0, 10)).images).toMatchObject([
      { row: { payload: 'straggler' } },
    ]);
  });

  test('that a lifted fence had kept out of the log are logged then', async () => {
    await source.fence(category, 1);
    await putPast('a', 'straggler');
    expect(await source.follow(category, 2)).toBe(false);

    await source.unfence(category, 1);

    expect(await current('a')).toMatchObject({ row: { payload: 'straggler' }, version: { epoch: 1 } });
  });

  test('under the other side are named, and flat takes no authority back before they are written again', async () => {
    await follow();
    await reverse('a', 1, 'ours');
    await putPast('a', 'theirs');

    await expect(source.lowWatermark(category)).rejects.toMatchObject({
      name: 'StrayWrites',
      facts: { keys: ['session/a'] },
    });
    await expect(source.requireFitting(category)).rejects.toMatchObject({ name: 'ReverseConflict' });
    await expect(source.open(category, 3)).rejects.toMatchObject({ name: 'ReverseConflict' });
    expect(await current('a')).toMatchObject({ row: { payload: 'ours' } });

    await reverse('a', 2, 'ours again');

    expect(await source.open(category, 3)).toBe(true);
    expect((await records.read(category, key('a'))).row).toEqual({ id: 'a', payload: 'ours again' });
  });

  test('are not what reverse changes are taken for, deletions and repetitions included', async () => {
    await put('a', 'x');
    await follow();
    await reverse('a', 1, 'y');
    await reverse('a', 2, 'z');
    await reverse('a', 3, 'y');
    await source.applyReverse(category, [{ key: key('a'), version: { epoch: 2, sequence: 4 }, row: null }]);
    await reverse('a', 5, 'y');

    expect((await source.lowWatermark(category)).sequence).toBe(1);
    await dynamo.client.send(new DeleteItemCommand({ TableName: table, Key: { id: { S: 'a' } } }));

    await expect(source.lowWatermark(category)).rejects.toMatchObject({ name: 'StrayWrites' });
  });
});

test('what came from the other side is logged once more when flat is open again', async () => {
  await put('a', 'x');
  await follow();
  await reverse('a', 1, 'from the other side');
  await source.open(category, 3);

  const { images } = await source.readChanges(category, 1, 10);

  expect(images).toMatchObject([
    { row: { payload: 'from the other side' }, version: { epoch: 3, sequence: 2 } },
  ]);
  expect(await records.write(category, key('a'), { id: 'a', payload: 'flat' }, 3)).toEqual({
    kind: 'written',
  });
  expect(await current('a')).toMatchObject({ row: { payload: 'flat' }, version: { epoch: 3, sequence: 3 } });
});
