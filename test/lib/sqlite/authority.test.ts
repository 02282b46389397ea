import { describe, expect, test } from 'vitest';

import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import type { FlatSource } from '../../../lib/migration/ports.ts';
import { flatSchemaSql } from '../../../lib/sqlite/flat-schema.ts';
import {
  changesOf,
  connectionRow,
  insertUser,
  makeFlatFile,
  neuronRow,
  userRow,
  type FlatFile,
} from './flat-file.ts';

const category = 'user-sessions';
const keyA = { recordType: 'user', id: 'a' };

async function following(): Promise<FlatFile & { readonly flat: FlatSource }> {
  const file = makeFlatFile();
  const flat = file.source();
  insertUser(file.legacy, 'a');
  await flat.installChangeLog();
  await flat.fence(category, 1);
  await flat.follow(category, 2);
  return { ...file, flat };
}

describe('a fence', () => {
  test('refuses every writer, legacy ones included, and returns the last version', async () => {
    const { legacy, source, records } = makeFlatFile();
    const flat = source();
    await flat.installChangeLog();
    insertUser(legacy, 'a');

    expect(await flat.fence(category, 1)).toEqual({ fenced: true, last: { epoch: 1, sequence: 1 } });
    expect(await flat.fence(category, 1)).toEqual({ fenced: true, last: { epoch: 1, sequence: 1 } });

    for (const sql of [
      "INSERT OR IGNORE INTO flat_users (id, username, role, is_active, created_at, updated_at, version) VALUES ('b', 'b', 'r', 1, 1, 1, 1)",
      "INSERT OR REPLACE INTO flat_users (id, username, role, is_active, created_at, updated_at, version) VALUES ('b', 'name of a', 'r', 1, 1, 1, 1)",
      "UPDATE OR IGNORE flat_users SET role = 'x'",
      'DELETE FROM flat_users',
    ]) {
      expect(() => legacy.exec(sql)).toThrow(/hal9-migrate: user-sessions is fenced/);
    }
    expect(await records().write(category, keyA, null, 1)).toEqual({
      kind: 'refused',
      authority: { epoch: 1, state: 'fenced' },
    });
    expect(legacy.prepare('SELECT count(*) AS n FROM flat_users').get()).toEqual({ n: 1 });
    expect((await flat.lowWatermark(category)).sequence).toBe(1);
  });

  test('leaves the other categories alone, and is undone at its own epoch only', async () => {
    const { legacy, source } = makeFlatFile();
    const flat = source();
    await flat.installChangeLog();
    await flat.fence('neuron-states', 1);

    insertUser(legacy, 'a');

    expect(await flat.unfence('neuron-states', 2)).toBe(false);
    expect(await flat.unfence('neuron-states', 1)).toBe(true);
    expect(await flat.authority('neuron-states')).toEqual({ epoch: 1, state: 'open' });
    expect(await flat.fence('neuron-states', 2)).toEqual({ fenced: false });
  });
});

describe('a following store', () => {
  test('takes reverse changes of its epoch, newest version first and once, past fence and log', async () => {
    const { legacy, flat } = await following();
    const change = (sequence: number, role: string, epoch = 2) => ({
      key: keyA,
      version: { epoch, sequence },
      row: userRow('a', { role }),
    });

    const outcomes = await flat.applyReverse(category, [
      change(2, 'second'),
      change(1, 'first'),
      change(2, 'again'),
      change(9, 'old epoch', 1),
    ]);

    expect(outcomes).toEqual(['applied', 'already-newer', 'already-newer', 'refused-epoch']);
    expect(legacy.prepare('SELECT role FROM flat_users').all()).toEqual([{ role: 'second' }]);
    expect(await changesOf(flat, category)).toEqual([]);
    const { images } = await flat.readCurrent(category, [keyA]);
    expect(images[0]?.version).toEqual({ epoch: 2, sequence: 2 });
    expect(() => insertUser(legacy, 'b')).toThrow(/is fenced/);
  });

  test('keeps the version of what was deleted', async () => {
    const { flat } = await following();
    await flat.applyReverse(category, [{ key: keyA, version: { epoch: 2, sequence: 3 }, row: null }]);

    const late = await flat.applyReverse(category, [
      { key: keyA, version: { epoch: 2, sequence: 2 }, row: userRow('a') },
    ]);

    expect(late).toEqual(['already-newer']);
    const { images } = await flat.readCurrent(category, [keyA]);
    expect(images[0]).toMatchObject({ row: null, version: { epoch: 2, sequence: 3 } });
  });

  test('takes an exchange of unique values in any order', async () => {
    const { legacy, flat } = await following();

    await flat.applyReverse(category, [
      {
        key: { recordType: 'user', id: 'b' },
        version: { epoch: 2, sequence: 1 },
        row: userRow('b', { username: 'name of a' }),
      },
    ]);
    await expect(flat.open(category, 3)).rejects.toMatchObject({ name: 'ReverseConflict', exit: 'conflict' });
    await flat.applyReverse(category, [
      { key: keyA, version: { epoch: 2, sequence: 1 }, row: userRow('a', { username: 'name of b' }) },
    ]);

    expect(await flat.open(category, 3)).toBe(true);
    expect(legacy.prepare('SELECT id, username FROM flat_users ORDER BY id').all()).toEqual([
      { id: 'a', username: 'name of b' },
      { id: 'b', username: 'name of a' },
    ]);
  });

  test('is not held up by a row that a constraint of the table refuses', async () => {
    const { legacy, flat } = await following();
    legacy.exec(`CREATE UNIQUE INDEX one_guest ON flat_users (is_active) WHERE role = 'guest'`);
    legacy.exec(`ALTER TABLE flat_users ADD COLUMN grade INTEGER CHECK (grade < 10)`);
    const change = (sequence: number, grade: bigint) =>
      flat.applyReverse(category, [
        { key: keyA, version: { epoch: 2, sequence }, row: userRow('a', { grade }) },
        { key: { recordType: 'user', id: 'b' }, version: { epoch: 2, sequence }, row: userRow('b') },
      ]);

    expect(await change(1, 10n)).toEqual(['applied', 'applied']);
    await expect(flat.requireFitting(category)).rejects.toMatchObject({ name: 'ReverseConflict' });
    await expect(flat.open(category, 3)).rejects.toMatchObject({ name: 'ReverseConflict' });
    expect(await change(2, 9n)).toEqual(['applied', 'applied']);

    await flat.requireFitting(category);
    expect(await flat.open(category, 3)).toBe(true);
    expect(legacy.prepare('SELECT id, grade FROM flat_users ORDER BY id').all()).toEqual([
      { id: 'a', grade: 9 },
      { id: 'b', grade: null },
    ]);
  });

  test("repeats what the other side wrote, without what the store's own triggers would add", async () => {
    const { legacy, flat } = await following();
    legacy.exec(`
      CREATE TRIGGER stamp AFTER UPDATE ON flat_users BEGIN UPDATE flat_users SET updated_at = 7 WHERE id = NEW.id; END;
      CREATE TRIGGER cascade AFTER DELETE ON flat_users BEGIN DELETE FROM flat_users WHERE id <> OLD.id; END;`);

    await flat.applyReverse(category, [
      { key: keyA, version: { epoch: 2, sequence: 1 }, row: userRow('a', { role: 'other' }) },
      { key: { recordType: 'user', id: 'b' }, version: { epoch: 2, sequence: 1 }, row: null },
    ]);

    expect(legacy.prepare('SELECT role, updated_at FROM flat_users').all()).toEqual([
      { role: 'other', updated_at: 1 },
    ]);
    await flat.open(category, 3);
    legacy.exec("UPDATE flat_users SET role = 'legacy'");
    expect(legacy.prepare('SELECT updated_at FROM flat_users').all()).toEqual([{ updated_at: 7 }]);
  });

  test('tells keys apart that its own columns hold for the same', async () => {
    const file = makeFlatFile(
      flatSchemaSql(hal9Definition).replace('"id" TEXT NOT NULL,', '"id" TEXT NOT NULL COLLATE NOCASE,'),
    );
    const flat = file.source();
    insertUser(file.legacy, 'a');
    await flat.installChangeLog();
    const capital = userRow('A', { username: 'capital' });
    const write = file.records().write(category, { recordType: 'user', id: 'A' }, capital, 1);
    await expect(write).rejects.toMatchObject({ name: 'RowConflict' });
    await flat.fence(category, 1);
    await flat.follow(category, 2);

    await flat.applyReverse(category, [
      { key: { recordType: 'user', id: 'A' }, version: { epoch: 2, sequence: 1 }, row: capital },
    ]);

    await expect(flat.requireFitting(category)).rejects.toMatchObject({ name: 'ReverseConflict' });
    await flat.applyReverse(category, [{ key: keyA, version: { epoch: 2, sequence: 1 }, row: null }]);
    await flat.requireFitting(category);
    expect(file.legacy.prepare('SELECT id FROM flat_users').all()).toEqual([{ id: 'A' }]);
  });

  test('opens again at the next epoch, and logs what came from the other side', async () => {
    const { legacy, flat } = await following();
    await flat.applyReverse(category, [
      { key: keyA, version: { epoch: 2, sequence: 1 }, row: userRow('a', { role: 'other' }) },
    ]);

    expect(await flat.open(category, 3)).toBe(true);
    expect(await flat.open(category, 3)).toBe(true);
    insertUser(legacy, 'b');

    const { images } = await flat.readChanges(category, 0, 10);
    expect(images).toMatchObject([
      { key: keyA, version: { epoch: 3, sequence: 1 } },
      { key: { id: 'b' }, version: { epoch: 3, sequence: 2 } },
    ]);
  });

  test('does not follow before it is fenced', async () => {
    const { source } = makeFlatFile();
    const flat = source();
    await flat.installChangeLog();

    expect(await flat.follow(category, 2)).toBe(false);
    expect(await flat.open(category, 2)).toBe(false);
    expect(
      await flat.applyReverse(category, [{ key: keyA, version: { epoch: 2, sequence: 1 }, row: null }]),
    ).toEqual(['refused-epoch']);
  });

  test('logs the neurons of changed connections when it opens', async () => {
    const { source, records } = makeFlatFile();
    const flat = source();
    await flat.installChangeLog();
    await records().write('neuron-states', { recordType: 'neuron', id: 'n' }, neuronRow('n'), 1);
    await flat.fence('neuron-states', 1);
    await flat.follow('neuron-states', 2);

    await flat.applyReverse('neuron-states', [
      {
        key: { recordType: 'connection', id: 'n|m|forward' },
        version: { epoch: 2, sequence: 1 },
        row: connectionRow('n', 'm'),
      },
    ]);
    await flat.open('neuron-states', 3);

    expect(await changesOf(flat, 'neuron-states', 1)).toEqual(['connection/n|m|forward', 'neuron/n']);
  });
});

describe('the gateway side of the store', () => {
  test('reads and writes whole rows before there is a change log, and after', async () => {
    const { records, source, legacy } = makeFlatFile();
    const flat = records();
    legacy.exec('ALTER TABLE flat_users ADD COLUMN note TEXT');

    await flat.write(category, keyA, { ...userRow('a'), note: 'x' }, 1);
    const log = source();
    await log.installChangeLog();
    await flat.write(category, keyA, userRow('a', { role: 'admin' }), 1);

    expect(await flat.read(category, keyA)).toEqual({
      row: { ...userRow('a', { role: 'admin' }), note: null },
      authority: { epoch: 1, state: 'open' },
    });
    expect(await changesOf(log, category)).toEqual(['user/a']);
    expect(await flat.write(category, keyA, null, 1)).toEqual({ kind: 'written' });
    expect((await flat.read(category, keyA)).row).toBeNull();
  });

  test('refuses an epoch that is over, a row of another key, an unknown column and a broken constraint', async () => {
    const { flat, records } = await following();
    await flat.open(category, 3);
    const gateway = records();

    expect(await gateway.write(category, keyA, null, 1)).toMatchObject({ kind: 'refused' });
    await expect(gateway.write(category, keyA, userRow('b'), 3)).rejects.toThrow(TypeError);
    await expect(gateway.write(category, keyA, { ...userRow('a'), oops: 1n }, 3)).rejects.toMatchObject({
      name: 'UnknownColumn',
    });
    await expect(
      gateway.write(category, { recordType: 'user', id: 'z' }, userRow('z', { username: 'name of a' }), 3),
    ).rejects.toMatchObject({ name: 'RowConflict', exit: 'conflict' });
  });
});
