import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterAll, expect, test } from 'vitest';
import * as z from 'zod/mini';

import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { captured, onlyDocument } from './captured-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'hal9-generate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const generated = z.object({
  apiVersion: z.literal('hal9-migrate/v1'),
  kind: z.literal('GeneratedStore'),
  path: z.string(),
  records: z.number(),
  damaged: z.number(),
  seed: z.number(),
  counts: z.record(z.string(), z.number()),
});

/** sha256 over every row of every table; null for tables that are empty. */
function contentOf(path: string): {
  readonly digest: string;
  readonly rows: Readonly<Record<string, number>>;
} {
  const store = new DatabaseSync(path, { readOnly: true });
  const hash = createHash('sha256');
  const rows: Record<string, number> = {};
  for (const { table, recordType, keyColumns } of hal9Definition.tables) {
    const statement = store.prepare(`SELECT * FROM ${table} ORDER BY ${keyColumns.join(', ')}`);
    statement.setReadBigInts(true);
    const found = statement.all();
    rows[recordType] = found.length;
    hash.update(
      JSON.stringify(found, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
    );
  }
  store.close();
  return { digest: hash.digest('hex'), rows };
}

test('the same seed gives the same content, and as many rows of each kind as it says', async () => {
  const line = (name: string, seed: number): string[] => [
    'generate',
    '--records',
    '600',
    '--seed',
    String(seed),
    '-o',
    join(root, name),
    '--json',
  ];

  const first = await captured(line('first.sqlite', 5));
  await captured(line('second.sqlite', 5));
  await captured(line('third.sqlite', 6));

  const report = z.parse(generated, onlyDocument(first.out));
  const content = contentOf(join(root, 'first.sqlite'));
  expect({ code: first.code, err: first.err }).toEqual({ code: 0, err: '' });
  expect(report).toMatchObject({ path: join(root, 'first.sqlite'), records: 600, seed: 5 });
  expect(content.rows).toEqual(report.counts);
  expect(Object.values(content.rows).reduce((sum, count) => sum + count, 0)).toBe(600);
  expect(contentOf(join(root, 'second.sqlite')).digest).toBe(content.digest);
  expect(contentOf(join(root, 'third.sqlite')).digest).not.toBe(content.digest);
});

test('an existing file is left as it is', async () => {
  const path = join(root, 'precious.txt');
  writeFileSync(path, 'precious');

  const { code, out, err } = await captured(['generate', '--records', '10', '-o', path]);

  expect({ code, out }).toEqual({ code: 9, out: '' });
  expect(err).toBe(`Error: ${path} exists already.\nRemedy: Name another file, or remove this one first.\n`);
  expect(readFileSync(path, 'utf8')).toBe('precious');
});

test.each([
  ['a folder that is not there', join(root, 'nowhere', 'x.sqlite')],
  ['a folder that cannot be written', '/proc/hal9.sqlite'],
])('%s is named', async (_where, path) => {
  const { code, out } = await captured(['generate', '--records', '10', '-o', path, '--json']);

  expect(code).toBe(2);
  expect(onlyDocument(out)).toMatchObject({ error: { name: 'OutputUnwritable', facts: { path } } });
  expect(existsSync(path)).toBe(false);
});
