import { canonicalJson, parseExactJson } from '../../kernel/canonical-json.ts';
import { keyOfPk, recordPk } from '../key.ts';
import type { RecordVersion } from '../record.ts';
import type { RecordKey } from '../row.ts';
import { openLine, sealLine } from '../sealed-line.ts';

/** A record in its hierarchical form, on its way to the target. */
export interface TransferRecord {
  readonly key: RecordKey;
  /** null: the row was never changed before it was exported. */
  readonly version: RecordVersion | null;
  /** Canonical JSON. */
  readonly body: string;
}

/** One line of JSON, closed by its sha256; the body stands in it as it is. */
export function encodeRecordLine({ key, version, body }: TransferRecord): string {
  const place = version === null ? 'null' : `[${version.epoch},${version.sequence}]`;
  return sealLine(`{"k":${JSON.stringify(recordPk(key))},"v":${place},"b":${body}}`).line;
}

export type DecodedRecordLine =
  | { readonly kind: 'record'; readonly record: TransferRecord }
  | { readonly kind: 'damaged'; readonly reason: string };

/** Inverse of `encodeRecordLine`. */
export function decodeRecordLine(line: string): DecodedRecordLine {
  const opened = openLine(line);
  if (opened.kind === 'damaged') return opened;
  const { k, v, b } = parseExactJson(opened.content) as {
    k: string;
    v: [number, number] | null;
    b: unknown;
  };
  const version = v === null ? null : { epoch: v[0], sequence: v[1] };
  return { kind: 'record', record: { key: keyOfPk(k), version, body: canonicalJson(b) } };
}
