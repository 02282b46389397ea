import { parseExactJson } from '../../kernel/canonical-json.ts';
import type { MigrationDefinition } from '../definition.ts';
import { encodeKey } from '../key.ts';
import type { StoredRecord } from '../record.ts';
import type { FlatRow } from '../row.ts';

export type DamageName =
  /** A live record without a body. */
  | 'BodyMissing'
  /** The body ends before its JSON does, or is none. */
  | 'TruncatedBody'
  /** The body is that of another record. */
  | 'SwappedBody'
  /** A well-formed body, version or state that is not what was hashed. */
  | 'HashMismatch'
  /** A record type that the definition does not have, or of another category. */
  | 'ForeignRecord';

/** Why a stored record is not what was written; null when it is. */
export function classifyDamage(definition: MigrationDefinition, record: StoredRecord): DamageName | null {
  const table = definition.tables.find(({ recordType }) => recordType === record.key.recordType);
  if (table === undefined || table.category !== record.category) return 'ForeignRecord';
  if (record.intact) return null;
  if (record.body === null) return record.state === 'live' ? 'BodyMissing' : 'HashMismatch';
  let body: unknown;
  try {
    body = parseExactJson(record.body);
  } catch {
    return 'TruncatedBody';
  }
  try {
    return keyOf(table.transform.restore(body), table.keyColumns) === record.key.id
      ? 'HashMismatch'
      : 'SwappedBody';
  } catch {
    return 'HashMismatch';
  }
}

function keyOf(row: FlatRow, keyColumns: readonly string[]): string {
  return encodeKey(
    keyColumns.map((name) => {
      const value = row[name];
      if (typeof value === 'string' || typeof value === 'bigint') return value;
      throw new TypeError(`${name} is no key part`);
    }),
  );
}
