import { DatabaseSync } from 'node:sqlite';

import { expect, test } from 'vitest';

import type { FlatSource } from '../../../lib/migration/ports.ts';
import { changesOf, insertSession, insertUser, makeFlatFile, type FlatFile } from './flat-file.ts';

async function installed(): Promise<FlatFile & { readonly flat: FlatSource }> {
  const file = makeFlatFile();
  const flat = file.source();
  insertUser(file.legacy, 'old');
  await flat.installChangeLog();
  return { ...file, flat };
}

test('only what is written after the installation is in the log, in the order of the commits', async () => {
  const { legacy, flat } = await installed();

  insertUser(legacy, 'a');
  legacy.exec("UPDATE flat_users SET role = 'admin' WHERE id = 'old'");
  legacy.exec("DELETE FROM flat_users WHERE id = 'a'");

  expect(await changesOf(flat, 'user-sessions')).toEqual(['user/a gone', 'user/old']);
  const page = await flat.readChanges('user-sessions', 0, 10);
  expect(page).toMatchObject({ entryCount: 3, throughSequence: 3 });
  expect(page.images.map(({ version }) => version)).toEqual([
    { epoch: 1, sequence: 3 },
    { epoch: 1, sequence: 2 },
  ]);
  expect(await flat.lowWatermark('user-sessions')).toEqual({ epoch: 1, sequence: 3 });
  const rest = await flat.readChanges('user-sessions', 3, 10);
  expect(rest).toEqual({ images: [], throughSequence: 3, entryCount: 0 });
});

test('what a transaction takes back is not in the log', async () => {
  const { legacy, flat } = await installed();

  legacy.exec('BEGIN');
  insertUser(legacy, 'a');
  legacy.exec('ROLLBACK');

  expect(await changesOf(flat, 'user-sessions')).toEqual([]);
});

test('an update that changes the key logs the key that went and the key that came', async () => {
  const { legacy, flat } = await installed();

  legacy.exec("UPDATE flat_users SET id = 'new' WHERE id = 'old'");

  expect(await changesOf(flat, 'user-sessions')).toEqual(['user/old gone', 'user/new']);
});

test.each(['INSERT OR REPLACE', 'REPLACE'])(
  '%s logs the row that it evicts through another unique column',
  async (verb) => {
    const { legacy, flat } = await installed();
    insertUser(legacy, 'a', 'same name');
    const before = (await flat.lowWatermark('user-sessions')).sequence;

    insertUser(legacy, 'b', 'same name', verb);

    expect(await changesOf(flat, 'user-sessions', before)).toEqual(['user/a gone', 'user/b']);
  },
);

test('UPDATE OR REPLACE logs the rows that it evicts, by key and by another unique column', async () => {
  const { legacy, flat } = await installed();
  for (const id of ['a', 'b', 'c']) insertUser(legacy, id);
  const before = (await flat.lowWatermark('user-sessions')).sequence;

  legacy.exec("UPDATE OR REPLACE flat_users SET username = 'name of a' WHERE id = 'b'");
  legacy.exec("UPDATE OR REPLACE flat_users SET id = 'c' WHERE id = 'b'");

  expect(await changesOf(flat, 'user-sessions', before)).toEqual(['user/a gone', 'user/b gone', 'user/c']);
});

test('a row that is evicted by its rowid is logged', async () => {
  const { legacy, flat } = await installed();
  const rowid = legacy.prepare("SELECT rowid FROM flat_users WHERE id = 'old'").get()?.['rowid'];

  legacy
    .prepare(
      `INSERT OR REPLACE INTO flat_users (rowid, id, username, role, is_active, created_at, updated_at, version)
       VALUES (?, 'x', 'x', 'user', 1, 1, 1, 1)`,
    )
    .run(Number(rowid));

  expect(await changesOf(flat, 'user-sessions')).toEqual(['user/old gone', 'user/x']);
});

test('an upsert and a refused insert leave the log consistent with the rows', async () => {
  const { legacy, flat } = await installed();

  insertUser(legacy, 'b', 'name of old', 'INSERT OR IGNORE');
  legacy.exec(`INSERT INTO flat_users (id, username, role, is_active, created_at, updated_at, version)
    VALUES ('c', 'name of old', 'user', 1, 1, 1, 1) ON CONFLICT (username) DO UPDATE SET role = 'guest'`);

  expect(await changesOf(flat, 'user-sessions')).toEqual(['user/old']);
});

test('rows that a foreign key deletes are logged', async () => {
  const { legacy, flat } = await installed();
  insertSession(legacy, 's', 'old');
  const before = (await flat.lowWatermark('user-sessions')).sequence;

  legacy.exec("DELETE FROM flat_users WHERE id = 'old'");

  expect((await changesOf(flat, 'user-sessions', before)).toSorted()).toEqual([
    'session/s gone',
    'user/old gone',
  ]);
});

test('rows that a trigger of the flat system writes are logged', async () => {
  const { legacy, flat } = await installed();
  legacy.exec(`CREATE TRIGGER own AFTER UPDATE OF role ON flat_users BEGIN
    UPDATE flat_users SET updated_at = 99 WHERE id = NEW.id; END`);

  legacy.exec("UPDATE flat_users SET role = 'admin' WHERE id = 'old'");

  const { images } = await flat.readChanges('user-sessions', 0, 10);
  expect(images).toMatchObject([{ row: { role: 'admin', updated_at: 99n }, version: { sequence: 2 } }]);
});

test('DELETE without a condition logs every row', async () => {
  const { legacy, flat } = await installed();
  insertUser(legacy, 'a');

  legacy.exec('DELETE FROM flat_users');

  expect((await changesOf(flat, 'user-sessions', 1)).toSorted()).toEqual(['user/a gone', 'user/old gone']);
});

test('a connection logs its neuron, whose number of connections changed', async () => {
  const { legacy, flat } = await installed();
  const neuron = legacy.prepare(
    `INSERT INTO flat_neurons (neuron_key, id, neuron_type, state, activation, learning_rate, avg_response_time_ms,
     is_async, created_at, updated_at, version) VALUES (?, 'i', 't', 'idle', 1, 1, 1, 0, 1, 1, 1)`,
  );
  for (const key of ['n1', 'n2']) neuron.run(key);
  const before = (await flat.lowWatermark('neuron-states')).sequence;

  legacy.exec(`INSERT INTO flat_connections (source, target, conn_type, id, weight, ordinal, updated_at, version)
    VALUES ('n1', 'n2', 'forward', 'c', 1, 0, 1, 1), ('elsewhere', 'n2', 'forward', 'd', 1, 0, 1, 1)`);
  legacy.exec("UPDATE flat_connections SET source = 'n2' WHERE source = 'n1'");

  expect(await changesOf(flat, 'neuron-states', before)).toEqual([
    'connection/n1|n2|forward gone',
    'neuron/n1',
    'connection/elsewhere|n2|forward',
    'connection/n2|n2|forward',
    'neuron/n2',
  ]);
  const { images } = await flat.readCurrent('neuron-states', [{ recordType: 'neuron', id: 'n2' }]);
  expect(images[0]?.row?.['derived.connection_count']).toBe(1n);
});

test('keys of any text come through the log unharmed', async () => {
  const { legacy, flat } = await installed();
  const ids = ['#1', 'a|b', '100%', 'nul\u0000inside', '神経 🧠', ''];

  for (const id of ids) insertUser(legacy, id);
  legacy.exec(
    "INSERT INTO flat_users SELECT CAST(x'ff61' AS TEXT), 'bytes', email, role, is_active, last_login, created_at, updated_at, version, checksum, organization_id FROM flat_users WHERE id = 'old'",
  );

  const { images } = await flat.readChanges('user-sessions', 0, 100);
  expect(images.map(({ keyParts }) => keyParts[0])).toEqual([...ids, '\udcffa']);
  expect(images.every(({ row, keyParts }) => row?.['id'] === keyParts[0])).toBe(true);
});

test('a key that cannot identify a record is refused as soon as there is a log', async () => {
  const { legacy } = await installed();

  expect(() => legacy.exec("UPDATE flat_users SET id = x'00' WHERE id = 'old'")).toThrow(
    /hal9-migrate: a key of flat_users/,
  );
});

test('sequences go on when the log is emptied, and when it is dropped and every row is logged again', async () => {
  const { legacy, source } = makeFlatFile();
  const flat = source();
  insertUser(legacy, 'a');
  await flat.installChangeLog();
  for (const role of ['x', 'y']) legacy.exec(`UPDATE flat_users SET role = '${role}'`);
  legacy.exec('DELETE FROM _mig_log');
  expect(await flat.lowWatermark('user-sessions')).toEqual({ epoch: 1, sequence: 2 });
  legacy.exec('DROP TABLE _mig_log');

  expect(await flat.isChangeLogInstalled()).toBe(false);
  await flat.installChangeLog();

  const { images } = await flat.readChanges('user-sessions', 2, 10);
  expect(images).toMatchObject([{ key: { id: 'a' }, row: { role: 'y' } }]);
  expect(images[0]?.version?.sequence).toBeGreaterThan(1e12);
});

test('a writer of another connection waits and is logged', async () => {
  const { legacy, flat } = await installed();
  const records = makeSecondWriter(legacy.location() ?? '');

  insertUser(records, 'a');
  insertUser(legacy, 'b');
  records.close();

  expect(await changesOf(flat, 'user-sessions')).toEqual(['user/a', 'user/b']);
});

function makeSecondWriter(path: string): FlatFile['legacy'] {
  return new DatabaseSync(path);
}
