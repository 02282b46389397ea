import { keyOfPk, recordPk } from '../key.ts';
import type { RecordVersion } from '../record.ts';
import { decodedRow, encodedRow } from '../row-encoding.ts';
import { openLine, sealLine } from '../sealed-line.ts';
import type { FlatRow, RecordKey } from '../row.ts';

/** One record of a backup: its flat form, as either side can take it again. */
export interface BackupEntry {
  readonly key: RecordKey;
  /** Version of this content; null when the key was never changed since the change log began. */
  readonly version: RecordVersion | null;
  /** null: the record was deleted while the backup was made. */
  readonly row: FlatRow | null;
}

export type DecodedEntry =
  | { readonly kind: 'entry'; readonly entry: BackupEntry; readonly hash: string }
  /** `pk` is what the line says about its key, as far as that can be read. */
  | { readonly kind: 'damaged'; readonly reason: string; readonly pk: string | null };

/** One line of JSON, closed by the sha256 of everything before it. */
export function encodeEntry({ key, version, row }: BackupEntry): {
  readonly line: string;
  readonly hash: string;
} {
  const content = JSON.stringify({
    k: recordPk(key),
    v: version === null ? null : [version.epoch, version.sequence],
    r: row === null ? null : encodedRow(carried(row)),
  });
  return sealLine(content);
}

/** Inverse of `encodeEntry`; a line of which any character was changed is damaged. */
export function decodeEntry(line: string): DecodedEntry {
  const opened = openLine(line);
  if (opened.kind === 'damaged') return damaged(line, opened.reason);
  const { k, v, r } = JSON.parse(opened.content) as { k: string; v: [number, number] | null; r: unknown };
  const version = v === null ? null : { epoch: v[0], sequence: v[1] };
  return {
    kind: 'entry',
    hash: opened.hash,
    entry: { key: keyOfPk(k), version, row: r === null ? null : decodedRow(r) },
  };
}

function damaged(line: string, reason: string): DecodedEntry {
  const pk = /^\{"k":"((?:[^"\\]|\\.)+\/(?:[^"\\]|\\.)+)"/.exec(line)?.[1] ?? null;
  return { kind: 'damaged', reason, pk };
}

/** Derived values are computed from other rows, so they are no part of a record's own content. */
function carried(row: FlatRow): FlatRow {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('derived.')));
}

/** One text per content of a record; a column without value is a column that is not there. */
export function contentOf(row: FlatRow | null): string {
  if (row === null) return 'null';
  const columns = Object.entries(encodedRow(carried(row))).filter(([, value]) => value !== null);
  return JSON.stringify(columns.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
