import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseExactJson } from '../../../lib/kernel/canonical-json.ts';
import { encodeKey } from '../../../lib/migration/key.ts';
import type { FlatValue } from '../../../lib/migration/row.ts';
import type { MigratedTable } from '../../../lib/migration/table-lookup.ts';
import { parseRow, presentRow } from '../../../local/hal9/api-row.ts';

const table: MigratedTable = {
  recordType: 'thing',
  table: 'things',
  category: 'metadata',
  keyColumns: ['name', 'number'],
  columns: [
    { name: 'name', storage: 'text', nullable: false },
    { name: 'number', storage: 'integer', nullable: false },
    { name: 'words', storage: 'text', nullable: true },
    { name: 'count', storage: 'integer', nullable: true },
    { name: 'weight', storage: 'real', nullable: true },
    { name: 'bytes', storage: 'blob', nullable: true },
    { name: 'whatever', storage: 'any', nullable: true },
  ],
  transform: { convert: () => ({ kind: 'rejected', errorName: 'None', message: '' }), restore: () => ({}) },
};

const integers = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const reals = fc.double({ noNaN: true });
const bytes = fc.uint8Array({ maxLength: 20 });
const texts = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed());
const anything: fc.Arbitrary<FlatValue> = fc.oneof(integers, reals, bytes, texts, fc.constant(null));

test('every row comes back through the API as it was, columns of unknown kind included', () => {
  const rows = fc.record({
    name: texts,
    number: integers,
    words: fc.option(texts),
    count: fc.option(integers),
    weight: fc.option(reals),
    bytes: fc.option(bytes),
    whatever: anything,
    further_column: anything,
  });

  fc.assert(
    fc.property(rows, (row) => {
      const id = encodeKey([row.name, row.number]);
      const body = parseExactJson(JSON.stringify(presentRow(table, row)));

      expect(parseRow(table, id, body)).toEqual({ kind: 'row', row });
    }),
  );
});

test('values computed from other tables are not shown', () => {
  expect(presentRow(table, { name: 'a', 'derived.count': 3n })).toEqual({ name: 'a' });
});

test('columns that may be null may be left out; the key is taken from the path', () => {
  const parsed = parseRow(table, encodeKey(['a', 1n]), {});

  expect(parsed).toEqual({
    kind: 'row',
    row: { name: 'a', number: 1n, words: null, count: null, weight: null, bytes: null, whatever: null },
  });
});
