import type { Clock } from '../kernel/clock.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import { isLive } from '../migration/sessions/session-end.ts';
import type { Gateway } from './outcome.ts';

export type LiveRead =
  | { readonly kind: 'live'; readonly row: FlatRow }
  /** Absent, or over: the store keeps history, and it lets nobody in. */
  | { readonly kind: 'not-live' }
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number };

/** What a service asks before it lets a session in, whichever side has authority. */
export async function readLive(
  deps: { readonly gateway: Pick<Gateway, 'read'>; readonly clock: Clock },
  key: RecordKey,
): Promise<LiveRead> {
  const read = await deps.gateway.read(key);
  if (read.kind === 'unavailable') return read;
  const isThere = read.row !== null && isLive(key.recordType, read.row, deps.clock.nowMs());
  return isThere && read.row !== null ? { kind: 'live', row: read.row } : { kind: 'not-live' };
}
