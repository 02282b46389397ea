import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { flatSchemaSql } from '../../../lib/sqlite/flat-schema.ts';
import { openFlatSource } from '../../../lib/sqlite/open-flat-source.ts';
import { openDataDirectory } from '../../../local/cloud/data-directory.ts';
import { ensureFlatStore } from '../../../local/cloud/flat-store.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hal9-flat-store-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const insertUser = `INSERT INTO flat_users (id, username, role, is_active, created_at, updated_at, version)
  VALUES ('a', 'a', 'user', 1, 1, 1, 1)`;

function makeSource(): { path: string; legacy: DatabaseSync } {
  const path = join(root, 'source.sqlite');
  const legacy = new DatabaseSync(path);
  legacy.exec(`${flatSchemaSql(hal9Definition)} ${insertUser};`);
  return { path, legacy };
}

async function copyOf(path: string): Promise<string> {
  const directory = openDataDirectory(join(root, 'data'));
  await ensureFlatStore(directory, path, () => undefined);
  return directory.flatStore;
}

test('a source that was part of another migration begins anew, as open as any store', async () => {
  const { path } = makeSource();
  const before = openFlatSource({ kind: 'sqlite', path }, hal9Definition);
  await before.installChangeLog();
  await before.fence('user-sessions', 1);
  await before.follow('user-sessions', 2);
  await before.close();

  const copy = openFlatSource({ kind: 'sqlite', path: await copyOf(path) }, hal9Definition);

  expect(await copy.isChangeLogInstalled()).toBe(false);
  await copy.installChangeLog();
  expect(await copy.authority('user-sessions')).toEqual({ epoch: 1, state: 'open' });
  expect(await copy.lowWatermark('user-sessions')).toEqual({ epoch: 1, sequence: 0 });
  expect(await copy.countRows('user')).toBe(1);
  await copy.close();
});

test('a source whose writer was killed in a transaction is copied as it was before it', async () => {
  const { path, legacy } = makeSource();
  legacy.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO flat_config (scope, path, id, value, revision, updated_at, version)
    SELECT 's', i, i, '{}', 1, 1, 1 FROM n`);
  legacy.exec("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; UPDATE flat_config SET value = '[]'");
  const killed = join(root, 'killed.sqlite');
  for (const suffix of ['', '-journal']) copyFileSync(`${path}${suffix}`, `${killed}${suffix}`);
  legacy.close();

  const copy = new DatabaseSync(await copyOf(killed));

  expect(copy.prepare('SELECT value, count(*) AS count FROM flat_config GROUP BY value').all()).toEqual([
    { value: '{}', count: 2000 },
  ]);
  expect(copy.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  copy.close();
  expect(existsSync(`${killed}-journal`)).toBe(true);
});
