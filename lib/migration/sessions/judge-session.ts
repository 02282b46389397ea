import { parseExactJson } from '../../kernel/canonical-json.ts';
import { convertRow } from '../convert-image.ts';
import type { StoredRecord } from '../record.ts';
import type { FlatRow } from '../row.ts';
import type { MigratedTable } from '../table-lookup.ts';
import { endOf, isLive } from './session-end.ts';

type SessionFault =
  /** Live before, and not there or not readable after. */
  | 'SessionLost'
  /** Live on both sides, with another end. */
  | 'SessionEndsOtherwise'
  /** The store may drop it at another time than its end gives. */
  | 'SessionDropsOtherwise'
  /** Over before, and live after. */
  | 'SessionRevived';

export type SessionVerdict = 'live' | 'over' | SessionFault;

/** Compares what a user has of one session before and after, at one instant. */
export function judgeSession(
  row: FlatRow,
  stored: StoredRecord | undefined,
  table: MigratedTable,
  nowMs: number,
): SessionVerdict {
  const { recordType } = table;
  const after = stored === undefined ? null : restored(stored, table);
  const isLiveAfter = after !== null && isLive(recordType, after, nowMs);
  // The store drops what is over some time after its end; that it is gone is as it should be.
  if (!isLive(recordType, row, nowMs)) return isLiveAfter ? 'SessionRevived' : 'over';
  if (!isLiveAfter || stored === undefined) return 'SessionLost';
  if (endOf(recordType, after) !== endOf(recordType, row)) return 'SessionEndsOtherwise';
  const form = convertRow(row, table, nowMs);
  const dropsAtS = form.kind === 'converted' ? form.expiresAtS : undefined;
  return stored.expiresAtS === dropsAtS ? 'live' : 'SessionDropsOtherwise';
}

/** null for a record that answers nobody: damaged, deleted or in quarantine. */
function restored(stored: StoredRecord, table: MigratedTable): FlatRow | null {
  if (!stored.intact || stored.body === null || stored.category !== table.category) return null;
  try {
    return table.transform.restore(parseExactJson(stored.body));
  } catch {
    // What cannot be restored lets nobody in.
    return null;
  }
}
