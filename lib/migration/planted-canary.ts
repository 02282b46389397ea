import { compareRecord, type Pair } from './compare-record.ts';
import { isIntact, sealRecord } from './record-hash.ts';
import type { RecordOrigin, StoredRecord } from './record.ts';
import type { MigratedTable } from './table-lookup.ts';

/**
 * Damages copies of a record that compared equal, in memory only, and asks the comparison about each. A comparison
 * that lets one pass proves nothing about the others.
 */
export function plantCanaries(
  pair: Pair,
  table: MigratedTable,
  context: { readonly nowMs: number; readonly authority: RecordOrigin },
): { readonly planted: number; readonly found: number } {
  const { stored } = pair;
  if (stored === undefined || stored.body === null) return { planted: 0, found: 0 };
  const body = `{"canary":${stored.body}}`;
  const damaged = [
    { ...stored, body },
    { ...stored, version: { ...stored.version, sequence: stored.version.sequence + 1 } },
    { ...sealRecord({ ...stored, body }), intact: true },
    { ...sealRecord({ ...stored, body: null, state: 'tombstone' }), intact: true },
  ].map((record): StoredRecord => ({ ...record, intact: isIntact(record) }));
  const found = damaged.filter((record) => {
    const verdict = compareRecord({ row: pair.row, stored: record }, table, context);
    return verdict === 'mismatch' || verdict === 'missing' || verdict === 'extra';
  });
  return { planted: damaged.length, found: found.length };
}
