import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { HalError } from '../../../lib/kernel/errors.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { flatSchemaSql } from '../../../lib/sqlite/flat-schema.ts';
import { makeFlatStore } from '../../../lib/sqlite/flat-store.ts';
import { makeSqliteFlatRecords } from '../../../lib/sqlite/flat-records.ts';
import { openConnection } from '../../../lib/sqlite/connection.ts';
import { openFlatSource } from '../../../lib/sqlite/open-flat-source.ts';
import { insertUser, makeFlatFile, temporaryDirectory, userRow } from './flat-file.ts';

function openingFault(path: string): HalError {
  try {
    openFlatSource({ kind: 'sqlite', path }, hal9Definition);
  } catch (error) {
    if (error instanceof HalError) return error;
    throw error;
  }
  throw new Error('it opened');
}

test('a missing file is named and not created', () => {
  const path = join(temporaryDirectory(), 'nowhere.sqlite');

  expect(openingFault(path)).toMatchObject({
    name: 'SourceMissing',
    exit: 'sourceRejected',
    facts: { path },
  });
  expect(openingFault(path).name).toBe('SourceMissing');
});

test('a file that is no database, and a directory, are told apart from a missing one', () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'notes.txt');
  writeFileSync(path, 'dear diary, '.repeat(1000));
  mkdirSync(join(directory, 'folder'));

  expect(openingFault(path)).toMatchObject({ name: 'SourceNotSqlite', exit: 'sourceRejected' });
  expect(openingFault(join(directory, 'folder'))).toMatchObject({ exit: 'sourceRejected' });
});

test('everything that is wrong with a schema is listed at once', async () => {
  const schema = flatSchemaSql(hal9Definition)
    .replace('"is_active" INTEGER NOT NULL', '"is_active" TEXT NOT NULL')
    .replace('  "weight" REAL NOT NULL,\n', '')
    .replaceAll('flat_signals', 'signals');
  const flat = makeFlatFile(schema).source();

  await expect(flat.inspect()).rejects.toMatchObject({
    name: 'SourceRejected',
    exit: 'sourceRejected',
    facts: {
      faults: [
        'table flat_signals is missing',
        'column flat_users.is_active has text affinity where integer belongs',
        'column flat_connections.weight is missing',
      ],
    },
  });
  await expect(flat.installChangeLog()).rejects.toMatchObject({ name: 'SourceRejected' });
});

test('rows whose key identifies nothing are counted', async () => {
  const { legacy, source } = makeFlatFile(
    flatSchemaSql(hal9Definition).replace('"id" TEXT NOT NULL,\n  "username"', '"id" TEXT,\n  "username"'),
  );
  for (const name of ['x', 'y']) {
    legacy.exec(`INSERT INTO flat_users (id, username, role, is_active, created_at, updated_at, version)
      VALUES (NULL, '${name}', 'r', 1, 1, 1, 1)`);
  }
  const flat = source();

  for (const action of [() => flat.inspect(), () => flat.installChangeLog()]) {
    await expect(action()).rejects.toMatchObject({
      facts: { faults: ['table flat_users has 2 rows whose key (id) is no text or integer'] },
    });
  }
});

test('rows whose key is too long for the target are counted, and none can be added later', async () => {
  const { legacy, source } = makeFlatFile();
  const flat = source();
  insertUser(legacy, 'k'.repeat(900));
  await flat.installChangeLog();
  expect(() => insertUser(legacy, `${'k'.repeat(600)}${'%'.repeat(101)}`)).toThrow('at most 900 bytes');
  legacy.exec("DROP TRIGGER _mig_user_after_insert; UPDATE flat_users SET email = 'quiet'");
  insertUser(legacy, 'é'.repeat(451));

  await expect(flat.inspect()).rejects.toMatchObject({
    name: 'SourceRejected',
    facts: { faults: ['table flat_users has 1 rows whose key (id) is longer than 900 bytes'] },
  });
});

test('a schema with more columns is accepted, and its rows are counted', async () => {
  const { legacy, source } = makeFlatFile();
  legacy.exec('ALTER TABLE flat_users ADD COLUMN extra');
  insertUser(legacy, 'a');

  const reports = await source().inspect();

  expect(reports).toHaveLength(8);
  expect(reports[0]).toEqual({
    recordType: 'user',
    table: 'flat_users',
    category: 'user-sessions',
    mapping: 'canonical',
    rowCount: 1,
  });
});

test('reading changes without a log says what to do first', async () => {
  await expect(makeFlatFile().source().readChanges('metadata', 0, 1)).rejects.toMatchObject({
    name: 'ChangeLogMissing',
  });
});

test('a service that waits for a lock goes on with everything else', async () => {
  const { legacy, records } = makeFlatFile();
  insertUser(legacy, 'a');
  const flat = records();
  legacy.exec("BEGIN IMMEDIATE; UPDATE flat_users SET role = 'legacy'");

  const write = flat.write('user-sessions', { recordType: 'user', id: 'a' }, userRow('a'), 1);
  const read = await flat.read('user-sessions', { recordType: 'user', id: 'a' });
  legacy.exec('COMMIT');

  expect(read.row).toMatchObject({ role: 'user' });
  expect(await write).toEqual({ kind: 'written' });
  expect(legacy.prepare('SELECT role FROM flat_users').all()).toEqual([{ role: 'user' }]);
});

test('a lock that stays is reported as such', async () => {
  const { legacy, path } = makeFlatFile();
  const connection = openConnection(path, { busyTimeoutMs: 20 });
  const records = makeSqliteFlatRecords(makeFlatStore(connection, hal9Definition));
  legacy.exec('BEGIN EXCLUSIVE');

  await expect(
    records.write('user-sessions', { recordType: 'user', id: 'a' }, userRow('a'), 1),
  ).rejects.toMatchObject({ name: 'SourceLocked', exit: 'unavailable' });

  legacy.exec('ROLLBACK');
  records.close();
});

test('a full disk loses nothing that was there', async () => {
  const { legacy, path } = makeFlatFile();
  insertUser(legacy, 'a');
  const connection = openConnection(path);
  const records = makeSqliteFlatRecords(makeFlatStore(connection, hal9Definition));
  const pages = connection.first('PRAGMA page_count')?.[0];
  connection.first(`PRAGMA max_page_count = ${String(pages)}`);
  const big = userRow('b', { email: 'x'.repeat(100_000) });

  await expect(records.write('user-sessions', { recordType: 'user', id: 'b' }, big, 1)).rejects.toMatchObject(
    {
      name: 'SourceDiskFull',
      exit: 'unavailable',
    },
  );

  expect((await records.read('user-sessions', { recordType: 'user', id: 'a' })).row).not.toBeNull();
  expect((await records.read('user-sessions', { recordType: 'user', id: 'b' })).row).toBeNull();
  records.close();
});
