import type { FlatRow } from '../row.ts';
import { parseTimestamp } from '../transforms/timestamp.ts';

/** Stores may drop a session only this long after its end, so that a rollback never meets a dropped one. */
const graceMs = 14 * 24 * 60 * 60 * 1000;

/** A session that is over when it is converted stays for good, as history. */
export function sessionExpiry(row: FlatRow, nowMs: number): number | undefined {
  const expiresAtMs = parseTimestamp(row['expires_at'] ?? null);
  if (expiresAtMs === null || expiresAtMs <= nowMs) return undefined;
  return Math.ceil((expiresAtMs + graceMs) / 1000);
}
