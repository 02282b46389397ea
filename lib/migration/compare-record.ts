import { parseExactJson } from '../kernel/canonical-json.ts';
import { convertRow, type RowConversion } from './convert-image.ts';
import type { RecordOrigin, StoredRecord } from './record.ts';
import { encodeValue } from './row-encoding.ts';
import type { FlatRow } from './row.ts';
import type { MigratedTable } from './table-lookup.ts';

/** How one key stands. `absent` on both sides is nothing to count. */
export type Verdict =
  | 'verified'
  | 'quarantined'
  | 'tombstoned'
  | 'absent'
  /** Content differs, or the stored record does not match its own hash. */
  | 'mismatch'
  /** The authority has it, the other side does not. */
  | 'missing'
  /** The other side has what the authority does not. */
  | 'extra';

export interface Pair {
  readonly row: FlatRow | null;
  readonly stored: StoredRecord | undefined;
}

/** What a comparison knows besides the two sides. */
export interface CompareContext {
  readonly nowMs: number;
  readonly authority: RecordOrigin;
  /** No copy was ever begun: what the target lacks was not dropped there, it never arrived. */
  readonly nothingCopied?: boolean;
}

/** Compares one key's flat row with its hierarchical record, by content, in the direction of the authority. */
export function compareRecord(pair: Pair, table: MigratedTable, context: CompareContext): Verdict {
  const { row, stored } = pair;
  if (stored !== undefined && (!stored.intact || stored.category !== table.category)) return 'mismatch';
  return context.authority === 'flat'
    ? compareWithFlat(row, stored, table, context)
    : compareWithHierarchical(row, stored, table, context.nowMs);
}

function compareWithFlat(
  row: FlatRow | null,
  stored: StoredRecord | undefined,
  table: MigratedTable,
  { nowMs, nothingCopied = false }: CompareContext,
): Verdict {
  if (row === null) return absentInFlat(stored);
  const now = convertRow(row, table, nowMs);
  if (stored === undefined) return !nothingCopied && isExpired(row, table, nowMs) ? 'verified' : 'missing';
  if (stored.state === 'tombstone') return 'missing';
  if (now.kind === 'rejected') return stored.state === 'quarantined' ? 'quarantined' : 'mismatch';
  const isFit = (form: Form): boolean => isExpiryOf(form, stored) && form.body === stored.body;
  return isFit(now) || isAnyForm(row, table, nowMs, isFit) ? 'verified' : 'mismatch';
}

/** Clocks of two workers differ by this much at most. */
const clockSkewMs = 300_000;

type Form = Extract<RowConversion, { kind: 'converted' }>;

/** Whether the row may have been given a form that fits: before its expiry, or after it. */
function isAnyForm(
  row: FlatRow,
  table: MigratedTable,
  nowMs: number,
  isFit: (form: Form) => boolean,
): boolean {
  return [nowMs, 0, nowMs + clockSkewMs].some((atMs) => {
    const form = convertRow(row, table, atMs);
    return form.kind === 'converted' && isFit(form);
  });
}

/** When the store may drop a record is no part of its hash, and as much to be compared as its body. */
function isExpiryOf(form: Form, stored: StoredRecord): boolean {
  return form.expiresAtS === stored.expiresAtS;
}

function absentInFlat(stored: StoredRecord | undefined): Verdict {
  if (stored === undefined) return 'absent';
  return stored.state === 'tombstone' ? 'tombstoned' : 'extra';
}

function compareWithHierarchical(
  row: FlatRow | null,
  stored: StoredRecord | undefined,
  table: MigratedTable,
  nowMs: number,
): Verdict {
  if (stored === undefined) {
    if (row === null) return 'absent';
    return isExpired(row, table, nowMs) ? 'verified' : 'extra';
  }
  if (stored.state === 'quarantined') return 'quarantined';
  if (stored.body === null) return row === null ? 'tombstoned' : 'extra';
  if (row === null) return 'missing';
  if (!isRestored(row, stored.body, table)) return 'mismatch';
  return isAnyForm(row, table, nowMs, (form) => isExpiryOf(form, stored)) ? 'verified' : 'mismatch';
}

/** An expired record may be gone from the target by itself. */
function isExpired(row: FlatRow, table: MigratedTable, nowMs: number): boolean {
  const conversion = convertRow(row, table, 0);
  if (conversion.kind === 'rejected' || conversion.expiresAtS === undefined) return false;
  return conversion.expiresAtS * 1000 <= nowMs;
}

function isRestored(row: FlatRow, body: string, table: MigratedTable): boolean {
  try {
    return comparableRow(table.transform.restore(parseExactJson(body))) === comparableRow(row);
  } catch {
    // A body that cannot be restored is exactly what a verification is there to find.
    return false;
  }
}

/** Derived values are computed, not carried back, and a column without value is a column that is not there. */
export function comparableRow(row: FlatRow): string {
  const names = Object.keys(row).filter((name) => row[name] !== null && !name.startsWith('derived.'));
  return JSON.stringify(names.toSorted().map((name) => [name, encodeValue(row[name] ?? null)]));
}
