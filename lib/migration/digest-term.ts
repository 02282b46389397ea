import { parseExactJson } from '../kernel/canonical-json.ts';
import { sha256Bytes } from '../kernel/sha256.ts';
import { comparableRow } from './compare-record.ts';
import { convertRow } from './convert-image.ts';
import { recordPk } from './key.ts';
import type { RecordOrigin, StoredRecord } from './record.ts';
import type { FlatRow, RecordKey } from './row.ts';
import type { MigratedTable } from './table-lookup.ts';

/** How a record counts when both sides agree about it. */
export type AgreedVerdict = 'verified' | 'quarantined' | 'tombstoned';

/** What one side says about a key: equal hashes on both sides mean equal content. */
export interface Term {
  readonly hash: Buffer;
  readonly verdict: AgreedVerdict;
}

export interface RowTerm extends Term {
  /** When the record may disappear from the target by itself, epoch seconds. */
  readonly expiresAtS: number | undefined;
}

/** The form of a row that was never over: the one form that both sides can compute, whenever they look. */
const beforeEveryExpiry = 0;

/** Clocks of two workers differ by this much at most. */
const clockSkewMs = 300_000;

/** Term of a flat row, in the direction of the authority: its converted form, or the row that is to be restored. */
export function rowTerm(
  key: RecordKey,
  row: FlatRow,
  table: MigratedTable,
  authority: RecordOrigin,
): RowTerm {
  const form = convertRow(row, table, beforeEveryExpiry);
  if (form.kind === 'rejected') return { ...quarantinedTerm(key, table), expiresAtS: undefined };
  const { expiresAtS } = form;
  const content = authority === 'flat' ? form.body : comparableRow(row);
  return { hash: contentHash(key, table, expiresAtS, content), verdict: 'verified', expiresAtS };
}

/**
 * Term of a record whose stored hash matches its content, by that content; null for a tombstone, of which flat has no
 * row. A record that no row can have given has a term that no row has.
 */
export function recordTerm(
  stored: StoredRecord,
  table: MigratedTable,
  context: { readonly nowMs: number; readonly authority: RecordOrigin; readonly mayExpire: boolean },
): Term | null {
  const { key, body, state } = stored;
  if (!stored.intact || stored.category !== table.category) return damagedTerm(key);
  if (state === 'quarantined') return quarantinedTerm(key, table);
  if (body === null) return null;
  if (context.authority === 'hierarchical') {
    const restored = context.mayExpire
      ? restoredTerm({ ...stored, body }, table, context)
      : lastingTerm({ ...stored, body }, table);
    return restored ?? damagedTerm(key);
  }
  const isPlain = stored.expiresAtS !== undefined || !context.mayExpire;
  const restored = isPlain ? null : restoredTerm({ ...stored, body }, table, context);
  // What a row alone does not give, such as a count over other tables, speaks for itself.
  return restored ?? { hash: contentHash(key, table, stored.expiresAtS, body), verdict: 'verified' };
}

/** No row expires, so the term of one names no expiry, and its form need not be computed to know it. */
function lastingTerm(stored: StoredRecord & { readonly body: string }, table: MigratedTable): Term | null {
  const { key, body, expiresAtS } = stored;
  try {
    const content = comparableRow(table.transform.restore(parseExactJson(body)));
    return { hash: contentHash(key, table, expiresAtS, content), verdict: 'verified' };
  } catch {
    return null;
  }
}

function restoredTerm(
  stored: StoredRecord & { readonly body: string },
  table: MigratedTable,
  { nowMs, authority }: { readonly nowMs: number; readonly authority: RecordOrigin },
): Term | null {
  const { key, body } = stored;
  let row: FlatRow;
  try {
    row = table.transform.restore(parseExactJson(body));
  } catch {
    return null;
  }
  const first = convertRow(row, table, beforeEveryExpiry);
  if (first.kind === 'rejected') return null;
  const isForm = [beforeEveryExpiry, nowMs, nowMs + clockSkewMs].some((atMs) => {
    const form = atMs === beforeEveryExpiry ? first : convertRow(row, table, atMs);
    if (form.kind === 'rejected' || form.expiresAtS !== stored.expiresAtS) return false;
    return authority === 'hierarchical' || form.body === body;
  });
  if (!isForm) return null;
  const content = authority === 'flat' ? first.body : comparableRow(row);
  return { hash: contentHash(key, table, first.expiresAtS, content), verdict: 'verified' };
}

function contentHash(
  key: RecordKey,
  table: MigratedTable,
  expiresAtS: number | undefined,
  content: string,
): Buffer {
  const pk = recordPk(key);
  return sha256Bytes(`live ${table.category} ${expiresAtS ?? '-'} ${pk.length} ${pk} ${content}`);
}

function quarantinedTerm(key: RecordKey, table: MigratedTable): Term {
  return { hash: sha256Bytes(`quarantined ${table.category} ${recordPk(key)}`), verdict: 'quarantined' };
}

/** Of a record that nobody migrates: no row has it. */
export function strangerTerm(key: RecordKey): Term {
  return { hash: sha256Bytes(`stranger ${recordPk(key)}`), verdict: 'verified' };
}

function damagedTerm(key: RecordKey): Term {
  return { hash: sha256Bytes(`damaged ${recordPk(key)}`), verdict: 'verified' };
}
