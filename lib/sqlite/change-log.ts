import type { Category } from '../migration/category.ts';
import type { FlatAuthority } from '../migration/ports.ts';
import { compareVersions, type RecordVersion } from '../migration/record.ts';
import type { FlatValue, KeyPart } from '../migration/row.ts';
import { keyColumnNames } from './change-log-ddl.ts';
import type { Connection } from './connection.ts';
import { boundValue, readExact } from './exact-text.ts';

export interface LogEntry {
  readonly sequence: number;
  readonly recordType: string;
  /** Padded to the columns of the log. */
  readonly keyParts: readonly KeyPart[];
}

/** Entries of one category in (after, through], in log order. */
export function readLog(
  connection: Connection,
  category: Category,
  slice: { readonly after: number; readonly through: number | undefined; readonly limit: number },
): readonly LogEntry[] {
  const through = slice.through ?? Number.MAX_SAFE_INTEGER;
  return readExact(
    connection,
    ['seq', 'record_type', ...keyColumnNames],
    'FROM _mig_log WHERE category = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
    [category, BigInt(slice.after), BigInt(through), BigInt(slice.limit)],
  ).map(([sequence, recordType, ...parts]) => ({
    sequence: Number(sequence),
    recordType: String(recordType),
    keyParts: parts as readonly KeyPart[],
  }));
}

/** The highest sequence that the store ever gave; 0 before the first. Entries may be gone, their sequences are not. */
export function lastSequence(connection: Connection): number {
  const given =
    "SELECT max(seq) FROM (SELECT max(seq) AS seq FROM _mig_log UNION ALL SELECT seq FROM sqlite_sequence WHERE name = '_mig_log')";
  return Number(connection.first(given)?.[0] ?? 0n);
}

/** Sequence of the newest entry of one category; 0 before the first. */
export function lastSequenceOf(connection: Connection, category: Category): number {
  const last = connection.first('SELECT max(seq) FROM _mig_log WHERE category = ?', [category]);
  return Number(last?.[0] ?? 0n);
}

/** The newer of a key's last log entry and its last reverse change; null when it has neither. */
export function versionOf(
  connection: Connection,
  recordType: string,
  keyParts: readonly KeyPart[],
): RecordVersion | null {
  const key = logKey(recordType, keyParts);
  const logged = toVersion(
    connection.first(
      `SELECT epoch, seq FROM _mig_log WHERE ${key.sql} ORDER BY seq DESC LIMIT 1`,
      key.parameters,
    ),
  );
  const applied = appliedVersion(connection, recordType, keyParts);
  if (logged === null || applied === null) return logged ?? applied;
  return compareVersions(logged, applied) > 0 ? logged : applied;
}

/** Version of the last reverse change of a key. */
export function appliedVersion(
  connection: Connection,
  recordType: string,
  keyParts: readonly KeyPart[],
): RecordVersion | null {
  const key = logKey(recordType, keyParts);
  return toVersion(
    connection.first(`SELECT epoch, sequence FROM _mig_version WHERE ${key.sql}`, key.parameters),
  );
}

/** Who may write a category; every category is open at epoch 1 until it is said otherwise. */
export function readAuthority(connection: Connection, category: Category): FlatAuthority {
  const found = connection.first('SELECT epoch, state FROM _mig_authority WHERE category = ?', [category]);
  if (found === undefined) return firstAuthority;
  return { epoch: Number(found[0]), state: String(found[1]) as FlatAuthority['state'] };
}

export const firstAuthority: FlatAuthority = { epoch: 1, state: 'open' };

/** From one authority to the next; true as well when it was already made. */
export function moveAuthority(
  connection: Connection,
  category: Category,
  from: FlatAuthority,
  to: FlatAuthority,
): boolean {
  const present = readAuthority(connection, category);
  if (isSame(present, to)) return true;
  if (!isSame(present, from)) return false;
  connection.run('UPDATE _mig_authority SET epoch = ?, state = ? WHERE category = ?', [
    BigInt(to.epoch),
    to.state,
    category,
  ]);
  return true;
}

/** Columns and values that a key has in our tables. */
export function logKeyValues(
  recordType: string,
  keyParts: readonly KeyPart[],
): { readonly columns: string; readonly values: string; readonly parameters: readonly FlatValue[] } {
  const parts = keyColumnNames.map((_, at) => boundValue(keyParts[at] ?? ''));
  return {
    columns: ['record_type', ...keyColumnNames].join(', '),
    values: ['?', ...parts.map(({ sql }) => sql)].join(', '),
    parameters: [recordType, ...parts.map(({ parameter }) => parameter)],
  };
}

export function logKey(
  recordType: string,
  keyParts: readonly KeyPart[],
): { readonly sql: string; readonly parameters: readonly FlatValue[] } {
  const parts = keyColumnNames.map((name, at) => ({ name, ...boundValue(keyParts[at] ?? '') }));
  return {
    sql: ['record_type = ?', ...parts.map(({ name, sql }) => `${name} = ${sql}`)].join(' AND '),
    parameters: [recordType, ...parts.map(({ parameter }) => parameter)],
  };
}

function isSame(left: FlatAuthority, right: FlatAuthority): boolean {
  return left.epoch === right.epoch && left.state === right.state;
}

function toVersion(cells: readonly FlatValue[] | undefined): RecordVersion | null {
  return cells === undefined ? null : { epoch: Number(cells[0]), sequence: Number(cells[1]) };
}
