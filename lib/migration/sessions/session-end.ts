import type { FlatRow } from '../row.ts';
import { parseTimestamp } from '../transforms/timestamp.ts';

/** Column with the instant from which on a row of the record type is never answered as live. */
const endColumns: Readonly<Record<string, string>> = {
  session: 'expires_at',
  'server-session': 'expires_at',
};

export function hasEnd(recordType: string): boolean {
  return endColumns[recordType] !== undefined;
}

/** Epoch milliseconds; null for a row whose end cannot be read. */
export function endOf(recordType: string, row: FlatRow): number | null {
  const column = endColumns[recordType];
  return column === undefined ? null : parseTimestamp(row[column] ?? null);
}

/** A session whose end cannot be read is over: nobody may be let in by a value that says nothing. */
export function isLive(recordType: string, row: FlatRow, nowMs: number): boolean {
  if (!hasEnd(recordType)) return true;
  const endMs = endOf(recordType, row);
  return endMs !== null && endMs > nowMs;
}
