import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { canonicalJson, parseExactJson } from '../../../../lib/kernel/canonical-json.ts';
import type { ColumnDefinition } from '../../../../lib/migration/definition.ts';
import { hal9Migration } from '../../../../lib/migration/hal9-definition.ts';
import { encodeRow } from '../../../../lib/migration/row-encoding.ts';
import type { FlatRow, FlatValue } from '../../../../lib/migration/row.ts';
import type { MigratedTable } from '../../../../lib/migration/table-lookup.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');

const niceTexts = [
  '',
  'forward',
  'Backward',
  'excitatory',
  '"Task"',
  'Task',
  '"unclosed',
  '#1|%',
  'naïve – 神経 🧠',
  'e\u0301',
  '2025-06-10T12:00:00Z',
  '2025-06-10T12:00:00.123456+02:00',
  '2025-06-10 12:00:00',
  '1749404289',
];
const jsonTexts = [
  '[]',
  '[0.7,1e-9,-0]',
  '[0.699999988079071, 1]',
  '["x"]',
  '{}',
  '{"b":1,"a":9007199254740993}',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1},"focus":"exit"}',
  '{"focus":12345678901234567890}',
  ' { "n" : 1.50 } ',
  '1e400',
  '1e21',
  '-0',
  'null',
  '"\\ud800"',
  '{"target_level":"L5"',
];

const text = fc.oneof(
  fc.constantFrom(...niceTexts),
  fc.constantFrom(...jsonTexts),
  fc.string({ unit: 'grapheme' }),
  fc.json(),
);
const nastyText = fc.oneof({ weight: 9, arbitrary: text }, fc.constantFrom('\udc80', 'a\u0000b'));
const integer = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 1749404289n, 1749404289123n),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const real = fc.oneof(
  fc.constantFrom(0, -0, 0.7, Math.fround(0.7), Infinity, -Infinity, 1e17, 1e300, 5e-324, 9.99),
  fc.double({ noNaN: true }),
);
const blob = fc.uint8Array({ maxLength: 12 });
const anything: fc.Arbitrary<FlatValue> = fc.oneof(fc.constant(null), nastyText, integer, real, blob);

function valueOf({ storage, nullable }: ColumnDefinition): fc.Arbitrary<FlatValue> {
  const typed: Record<ColumnDefinition['storage'], fc.Arbitrary<FlatValue>> = {
    text: nastyText,
    integer,
    real,
    blob,
    any: fc.oneof(integer, text, real),
  };
  return fc.oneof(
    { weight: 30, arbitrary: typed[storage] },
    { weight: nullable ? 6 : 1, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: anything },
  );
}

/** Mostly texts that the column can convert, so that most rows get past the checks. */
function likely(table: MigratedTable, column: ColumnDefinition): fc.Arbitrary<FlatValue> {
  const plain: Record<string, fc.Arbitrary<FlatValue>> = {
    text: fc.constantFrom('{}', '[]', '[0.5]', 'null'),
    any: fc.constantFrom<FlatValue[]>(
      1749404289n,
      1749404289123n,
      '2025-06-10 12:00:00',
      '2025-06-10T12:00:00+02:00',
    ),
  };
  const fallback = valueOf(column);
  return fc.oneof(
    { weight: table.columns.length, arbitrary: plain[column.storage] ?? fallback },
    { weight: 2, arbitrary: fallback },
  );
}

function rowOf(table: MigratedTable): fc.Arbitrary<FlatRow> {
  const known = fc.record(
    Object.fromEntries(table.columns.map((column) => [column.name, likely(table, column)])),
  );
  const extra = fc.dictionary(fc.constantFrom('note', 'created_by', 'x y', 'constructor'), anything, {
    maxKeys: 2,
  });
  return fc.tuple(known, extra).map(([row, more]) => ({ ...more, ...row }));
}

/** Absent and null are the same. */
function withoutNulls(row: FlatRow): FlatRow {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([, value]) => value !== null)
      .toSorted(([left], [right]) => (left < right ? -1 : 1)),
  );
}

describe.each(hal9Migration.tables.map((table) => [table.recordType, table] as const))(
  '%s',
  (_name, table) => {
    test('whatever converts comes back exactly, and whatever does not is rejected with a name', () => {
      let converted = 0;

      fc.assert(
        fc.property(rowOf(table), (row) => {
          const conversion = table.transform.convert(row, { nowMs });
          if (conversion.kind === 'rejected') return /^[A-Z][A-Za-z]+$/.test(conversion.errorName);
          converted += 1;
          const body = canonicalJson(conversion.record.body);
          const restored = table.transform.restore(parseExactJson(body));
          expect(encodeRow(withoutNulls(restored))).toBe(encodeRow(withoutNulls(row)));
          // A second conversion gives the same text: content is all that counts.
          const again = table.transform.convert(restored, { nowMs: nowMs + 1e12 });
          expect(again.kind === 'converted' && canonicalJson(again.record.body)).toBe(body);
          return true;
        }),
        // Rows that pass every check are rare; a fixed seed keeps their number the same.
        { numRuns: 400, seed: 20_250_610 },
      );

      expect(converted).toBeGreaterThan(40);
    });
  },
);
