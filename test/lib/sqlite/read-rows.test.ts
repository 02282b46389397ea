import { describe, expect, test } from 'vitest';

import type { MigrationDefinition, Transform } from '../../../lib/migration/definition.ts';
import type { FlatSource, KeyRange } from '../../../lib/migration/ports.ts';
import { insertUser, makeFlatFile, neuronRow } from './flat-file.ts';

const transform: Transform = {
  convert: () => ({ kind: 'rejected', errorName: 'Never', message: 'unused' }),
  restore: () => ({}),
};

function definitionOf(keyColumns: readonly string[], columns: readonly string[]): MigrationDefinition {
  const table = {
    recordType: 'thing',
    table: 'things',
    category: 'metadata' as const,
    keyColumns,
    transform,
  };
  return {
    name: 'test',
    tables: [
      { ...table, columns: columns.map((name) => ({ name, storage: 'any' as const, nullable: true })) },
    ],
  };
}

async function allRanges(source: FlatSource, recordType: string, rows: number): Promise<KeyRange[]> {
  const ranges: KeyRange[] = [];
  for await (const range of source.planRanges(recordType, rows)) ranges.push(range);
  return ranges;
}

test('values keep their storage class and every bit', async () => {
  const { legacy, source } = makeFlatFile('CREATE TABLE things (id TEXT PRIMARY KEY, v, extra)');
  const insert = legacy.prepare('INSERT INTO things VALUES (?, ?, ?)');
  const values = [null, '', 'text', 'nul\u0000', 9_223_372_036_854_775_807n, 0n, 0.1, -0, 3, Infinity, 1e300];
  for (const [at, value] of values.entries()) insert.run(String(at).padStart(2, '0'), value, at);
  insert.run('98', new Uint8Array([0, 255]), null);
  legacy.exec("INSERT INTO things VALUES ('99', CAST(x'61ff62c3' AS TEXT), '\uFFFD')");

  const { images } = await source(definitionOf(['id'], ['id', 'v'])).readRange(
    'thing',
    { after: null, upTo: null },
    99,
  );

  expect(images.map(({ row }) => row?.['v'])).toEqual([
    ...values,
    new Uint8Array([0, 255]),
    'a\udcffb\udcc3',
  ]);
  expect(images.at(-1)?.row?.['extra']).toBe('\uFFFD');
  expect(images.every(({ version }) => version === null)).toBe(true);
});

describe('a range', () => {
  test('goes through composite keys in their order, page by page, without gap or repeat', async () => {
    const { legacy, source } = makeFlatFile(
      'CREATE TABLE things (a TEXT, b INTEGER, c, PRIMARY KEY (a, b, c)) WITHOUT ROWID',
    );
    const insert = legacy.prepare('INSERT INTO things VALUES (?, ?, ?)');
    const keys: [string, bigint, string | bigint][] = [];
    for (const a of ['', 'A', 'a', 'ä', '🧠']) {
      for (const b of [-1n, 2n, 10n]) for (const c of [3n, '3', 'x']) keys.push([a, b, c]);
    }
    for (const key of keys.toReversed()) insert.run(...key);
    const flat = source(definitionOf(['a', 'b', 'c'], ['a', 'b', 'c']));

    const ranges = await allRanges(flat, 'thing', 7);
    const read: unknown[] = [];
    for (const range of ranges) {
      let after: KeyRange['after'] | undefined = range.after;
      while (after !== undefined) {
        const page = await flat.readRange('thing', { after, upTo: range.upTo }, 3);
        read.push(...page.images.map(({ keyParts }) => keyParts));
        after = page.nextAfter ?? undefined;
      }
    }

    expect(ranges).toHaveLength(7);
    expect(ranges.at(-1)?.upTo).toBeNull();
    expect(read).toEqual(keys);
  });

  test('orders text keys by their bytes whatever the collation of the column', async () => {
    const { legacy, source } = makeFlatFile('CREATE TABLE things (id TEXT PRIMARY KEY COLLATE NOCASE)');
    for (const id of ['b', 'A', 'C']) legacy.prepare('INSERT INTO things VALUES (?)').run(id);
    const flat = source(definitionOf(['id'], ['id']));

    const { images } = await flat.readRange('thing', { after: ['A'], upTo: null }, 9);

    expect(images.map(({ key }) => key.id)).toEqual(['C', 'b']);
    const { images: found } = await flat.readCurrent('metadata', [{ recordType: 'thing', id: 'B' }]);
    expect(found[0]?.row).toBeNull();
  });

  test('of an empty table is open on both sides', async () => {
    const { source } = makeFlatFile();

    expect(await allRanges(source(), 'user', 10)).toEqual([{ after: null, upTo: null }]);
  });

  test('is read in one snapshot with its low watermark', async () => {
    const { legacy, source } = makeFlatFile();
    const flat = source();
    insertUser(legacy, 'a');
    await flat.installChangeLog();
    insertUser(legacy, 'b');

    const page = await flat.readRange('user', { after: null, upTo: ['b'] }, 10);

    expect(page.lowWatermark).toEqual({ epoch: 1, sequence: 1 });
    expect(page.images.map(({ version }) => version)).toEqual([null, { epoch: 1, sequence: 1 }]);
    expect(page.nextAfter).toBeNull();
  });
});

test('generated columns are no part of a row', async () => {
  const { legacy, source } = makeFlatFile(
    'CREATE TABLE things (id INTEGER PRIMARY KEY, v TEXT, up TEXT GENERATED ALWAYS AS (upper(v)) STORED)',
  );
  legacy.exec("INSERT INTO things (v) VALUES ('x')");

  const { images } = await source(definitionOf(['id'], ['id', 'v'])).readRange(
    'thing',
    { after: null, upTo: null },
    9,
  );

  expect(images).toMatchObject([{ key: { id: '#1' }, keyParts: [1n], row: { id: 1n, v: 'x' } }]);
});

test('a row reads back as it was written through the gateway', async () => {
  const { records } = makeFlatFile();
  const key = { recordType: 'neuron', id: 'n%25%7C1' };
  const row = neuronRow('n%|1');

  await records().write('neuron-states', key, row, 1);

  expect((await records().read('neuron-states', key)).row).toEqual(row);
});
