import { keyOfPk } from './key.ts';
import type { RecordKey } from './row.ts';

/** Between a record type and the restore that put a record aside; no record type holds it. */
const separator = '~';

/** Key of the quarantine entry of what a restore put aside: beside the record's own, which it must not replace. */
export function setAsideKey(key: RecordKey, restoreId: string): RecordKey {
  return { recordType: `${key.recordType}${separator}${restoreId}`, id: key.id };
}

/** The record that an entry is about, and the restore that put it aside; null for an entry of the copy itself. */
export function entryOrigin(key: RecordKey): { readonly key: RecordKey; readonly restoreId: string | null } {
  const cut = key.recordType.indexOf(separator);
  if (cut < 0) return { key, restoreId: null };
  const recordType = key.recordType.slice(0, cut);
  return { key: { recordType, id: key.id }, restoreId: key.recordType.slice(cut + 1) };
}

/** Record type of entries about a piece of a backup whose key nobody can read. */
export const backupRecordType = 'backup';

export function pieceKey(
  piece: { readonly pk: string | null; readonly part: string; readonly number: number },
  restoreId: string,
): RecordKey {
  if (piece.pk !== null && Buffer.byteLength(piece.pk) <= 900) {
    return setAsideKey(keyOfPk(piece.pk), restoreId);
  }
  return setAsideKey({ recordType: backupRecordType, id: `${piece.part}:${piece.number}` }, restoreId);
}
