import { expect, test } from 'vitest';

import { changesOf, insertUser, makeFlatFile } from './flat-file.ts';

test('a new column makes the log outdated; the next read renews it and logs the rows that it changed', async () => {
  const { legacy, source } = makeFlatFile();
  const flat = source();
  insertUser(legacy, 'a');
  await flat.installChangeLog();

  legacy.exec("ALTER TABLE flat_users ADD COLUMN nickname TEXT DEFAULT 'ace'");

  expect(await flat.isChangeLogInstalled()).toBe(false);
  const { images } = await flat.readChanges('user-sessions', 0, 10);
  expect(images).toMatchObject([{ key: { id: 'a' }, row: { nickname: 'ace' }, version: { sequence: 1 } }]);
  expect(await flat.isChangeLogInstalled()).toBe(true);
});

test('a table that is rebuilt without our triggers loses no write', async () => {
  const { legacy, source } = makeFlatFile();
  const flat = source();
  insertUser(legacy, 'a');
  await flat.installChangeLog();
  insertUser(legacy, 'b');

  legacy.exec(`PRAGMA foreign_keys = OFF;
    BEGIN; CREATE TABLE renewed AS SELECT * FROM flat_users; DROP TABLE flat_users;
    CREATE TABLE flat_users (id TEXT PRIMARY KEY, username TEXT NOT NULL, email TEXT, role TEXT, is_active INTEGER,
      last_login, created_at, updated_at, version INTEGER, checksum TEXT, organization_id TEXT);
    INSERT INTO flat_users SELECT * FROM renewed; DROP TABLE renewed; COMMIT;`);
  legacy.exec("DELETE FROM flat_users WHERE id = 'b'");
  insertUser(legacy, 'c');

  expect((await changesOf(flat, 'user-sessions', 1)).toSorted()).toEqual(['user/a', 'user/b gone', 'user/c']);
  insertUser(legacy, 'd');
  expect(await changesOf(flat, 'user-sessions', 4)).toEqual(['user/d']);
});

test('a lost trigger is found and mended before a category is fenced', async () => {
  const { legacy, source } = makeFlatFile();
  const flat = source();
  insertUser(legacy, 'a');
  await flat.installChangeLog();
  legacy.exec('DROP TRIGGER _mig_user_after_insert');
  insertUser(legacy, 'unlogged');

  const fenced = await flat.fence('user-sessions', 1);

  expect(fenced).toMatchObject({ fenced: true, last: { sequence: 2 } });
  expect(await changesOf(flat, 'user-sessions')).toEqual(['user/a', 'user/unlogged']);
  expect(() => insertUser(legacy, 'late')).toThrow(/user-sessions is fenced/);
});

test('an installation that changes nothing leaves the file as it is', async () => {
  const { legacy, source } = makeFlatFile();
  const flat = source();
  await flat.installChangeLog();
  const version = legacy.prepare('PRAGMA schema_version').get();

  await flat.installChangeLog();

  expect(legacy.prepare('PRAGMA schema_version').get()).toEqual(version);
});

test('a column that disappears is named', async () => {
  const { legacy, source } = makeFlatFile();
  const flat = source();
  await flat.installChangeLog();

  legacy.exec('ALTER TABLE flat_users DROP COLUMN role');

  await expect(flat.readChanges('user-sessions', 0, 1)).rejects.toMatchObject({
    name: 'SourceRejected',
    message: expect.stringContaining('column flat_users.role is missing') as string,
  });
});
