import { compareRecord, type Pair } from './compare-record.ts';
import { isIntact, sealRecord } from './record-hash.ts';
import type { RecordOrigin, StoredRecord, TargetRecord } from './record.ts';
import type { MigratedTable } from './table-lookup.ts';

/**
 * Damages copies of a record that was found in order, in memory only, and asks the comparison about each. A comparison
 * that lets one pass proves nothing about the others.
 */
export function plantCanaries(
  pair: Pair,
  table: MigratedTable,
  context: { readonly nowMs: number; readonly authority: RecordOrigin },
): { readonly planted: number; readonly found: number } {
  const { stored } = pair;
  if (stored === undefined) return { planted: 0, found: 0 };
  const damaged = damagedCopies(stored).map((record): StoredRecord => ({
    ...record,
    intact: isIntact(record),
  }));
  const found = damaged.filter((record) => {
    const verdict = compareRecord({ row: pair.row, stored: record }, table, context);
    return verdict === 'mismatch' || verdict === 'missing' || verdict === 'extra';
  });
  return { planted: damaged.length, found: found.length };
}

/** Damage that the hash shows, and damage that was hashed again, so that only the content shows it. */
export function damagedCopies(stored: StoredRecord): readonly TargetRecord[] {
  const moved = { ...stored, version: { ...stored.version, sequence: stored.version.sequence + 1 } };
  const body = `{"canary":${stored.body ?? 'null'}}`;
  const replaced = sealRecord({ ...stored, state: 'live', body });
  if (stored.body === null) return [moved, replaced];
  return [{ ...stored, body }, moved, replaced, sealRecord({ ...stored, body: null, state: 'tombstone' })];
}
