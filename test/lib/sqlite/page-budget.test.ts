import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { flatSchemaSql } from '../../../lib/sqlite/flat-schema.ts';
import { openFlatSource } from '../../../lib/sqlite/open-flat-source.ts';

test('a page of very long rows ends early, and the next one goes on where it ended', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hal9-budget-'));
  const path = join(directory, 'flat.sqlite');
  const database = new DatabaseSync(path);
  database.exec(flatSchemaSql(hal9Definition));
  const insert = database.prepare(
    `INSERT INTO flat_config (id, scope, path, value, revision, updated_at, version, checksum) VALUES (?, 'server', ?, ?, 1, 0, 1, '')`,
  );
  for (let row = 0; row < 60; row += 1) {
    const name = `key-${String(row).padStart(3, '0')}`;
    insert.run(name, name, `"${'x'.repeat(400_000)}"`);
  }
  database.close();
  const source = openFlatSource({ kind: 'sqlite', path }, hal9Definition);

  const seen: string[] = [];
  const pageSizes: number[] = [];
  let after: Parameters<typeof source.readRange>[1]['after'] = null;
  do {
    const page = await source.readRange('config', { after, upTo: null }, 250);
    seen.push(...page.images.map(({ key }) => key.id));
    pageSizes.push(page.images.length);
    after = page.nextAfter;
  } while (after !== null);

  expect(Math.max(...pageSizes)).toBeLessThan(60);
  expect(new Set(seen).size).toBe(60);
  expect(seen).toEqual(seen.toSorted());
  await source.close();
  rmSync(directory, { recursive: true });
});
