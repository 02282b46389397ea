import type { Category } from '../migration/category.ts';
import { maxRowKeyBytes } from '../migration/key.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import { abortPrefix } from './faults.ts';
import { longKey, maxKeyColumns, noKey } from './inspect-tables.ts';
import { andBelongs } from './membership.ts';
import { quoteName, type TableLayout, type UniqueIndex } from './table-layout.ts';

// Everything here runs inside the processes of the flat system, with whatever SQLite they bring: plain SQL only.
// Keys are stored as they are, one column per part, so that no text is encoded or cut on its way through the log.

export const keyColumnNames = Array.from({ length: maxKeyColumns }, (_, at) => `k${at + 1}`);

export const keyList = keyColumnNames.join(', ');
const keyDeclaration = keyColumnNames.map((name) => `${name} NOT NULL`).join(', ');

/** Prefix of all objects that we add to a flat store. */
export const ownPrefix = '_mig_';

export const ownTables = `
CREATE TABLE IF NOT EXISTS _mig_log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, category TEXT NOT NULL, record_type TEXT NOT NULL, op TEXT NOT NULL,
  epoch INTEGER NOT NULL, ${keyDeclaration});
CREATE INDEX IF NOT EXISTS _mig_log_key ON _mig_log (record_type, ${keyList}, seq);
CREATE INDEX IF NOT EXISTS _mig_log_category ON _mig_log (category, seq);
CREATE TABLE IF NOT EXISTS _mig_authority (
  category TEXT PRIMARY KEY, epoch INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'fenced', 'following'))) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _mig_version (
  record_type TEXT NOT NULL, ${keyDeclaration}, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
  tombstone INTEGER NOT NULL, PRIMARY KEY (record_type, ${keyList})) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _mig_marker (applying INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS _mig_relog (
  category TEXT NOT NULL, record_type TEXT NOT NULL, ${keyDeclaration},
  PRIMARY KEY (category, record_type, ${keyList})) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _mig_evicted (
  category TEXT NOT NULL, record_type TEXT NOT NULL, ${keyDeclaration},
  PRIMARY KEY (category, record_type, ${keyList})) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _mig_noted (
  record_type TEXT NOT NULL, ${keyDeclaration}, PRIMARY KEY (record_type, ${keyList})) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _mig_schema (record_type TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID;
`;

export const ownTableNames: readonly string[] = [
  ...ownTables.matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g),
].map(([, name]) => name ?? '');

export interface Trigger {
  readonly name: string;
  readonly recordType: string;
  readonly sql: string;
}

/** Triggers of a table all of whose rows are records. `tables` are all tables of the definition. */
export function changeTriggers(layout: TableLayout, tables: readonly MigratedTable[]): readonly Trigger[] {
  const { table } = layout;
  const touch = (row: string, unless = '0'): readonly string[] => touches(table, tables, row, unless);
  const keyChanged = differs(table.keyColumns, 'NEW', 'OLD');
  const evictions = evictingConditions(layout);
  return [
    trigger(table, 'after_insert', 'AFTER INSERT', [
      fence(table.category),
      keyCheck(table),
      log(table, 'insert', 'NEW'),
      ...touch('NEW'),
    ]),
    trigger(table, 'after_update', 'AFTER UPDATE', [
      fence(table.category),
      keyCheck(table),
      log(table, 'update', 'OLD'),
      `${log(table, 'update', 'NEW')} AND (${keyChanged})`,
      ...touchesOfUpdate(table, tables),
    ]),
    trigger(table, 'after_delete', 'AFTER DELETE', [
      fence(table.category),
      log(table, 'delete', 'OLD'),
      ...touch('OLD'),
    ]),
    ...(evictions.length === 0
      ? []
      : [
          trigger(table, 'before_insert', 'BEFORE INSERT', evict(table, tables, evictions, 'NEW')),
          trigger(table, 'before_update', 'BEFORE UPDATE', evict(table, tables, evictions, 'OLD')),
        ]),
  ];
}

/** Logs every row of a table, and every logged key that is no longer there: after writes that nobody recorded. */
export function relogTable(table: MigratedTable): readonly string[] {
  const known = keyColumnNames.slice(0, table.keyColumns.length);
  const isSame = table.keyColumns
    .map((name, at) => `t.${quoteName(name)} = g.${known[at] ?? ''}`)
    .join(' AND ');
  const rows = `SELECT ${keysOf(table, 't')} FROM ${quoteName(table.table)} AS t`;
  const gone = `SELECT DISTINCT ${keyList} FROM _mig_log AS g WHERE g.record_type = ${literal(table.recordType)}
    AND NOT EXISTS (SELECT 1 FROM ${quoteName(table.table)} AS t WHERE ${isSame})`;
  return [rows, gone].map(
    (keys) => `INSERT OR IGNORE INTO _mig_relog (category, record_type, ${keyList})
    SELECT ${literal(table.category)}, ${literal(table.recordType)}, ${keyList} FROM (
      SELECT ${keyColumnNames.map((name) => `NULL AS ${name}`).join(', ')} WHERE 0 UNION ALL ${keys})`,
  );
}

/** Moves what waits to be logged into the log, at the epoch that the category has now. */
export const flushRelog = [
  `INSERT INTO _mig_log (category, record_type, op, epoch, ${keyList})
   SELECT r.category, r.record_type, 'relog', a.epoch, ${keyColumnNames.map((name) => `r.${name}`).join(', ')}
   FROM _mig_relog AS r JOIN _mig_authority AS a ON a.category = r.category
   WHERE r.category = ? AND a.state = 'open'`,
  `DELETE FROM _mig_relog WHERE category = ?
   AND EXISTS (SELECT 1 FROM _mig_authority AS a WHERE a.category = _mig_relog.category AND a.state = 'open')`,
] as const;

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function trigger(
  table: MigratedTable,
  suffix: string,
  event: string,
  statements: readonly string[],
): Trigger {
  const name = `${ownPrefix}${table.recordType}_${suffix}`;
  const sql = [
    `CREATE TRIGGER ${quoteName(name)} ${event} ON ${quoteName(table.table)}`,
    'WHEN NOT EXISTS (SELECT 1 FROM _mig_marker)',
    'BEGIN',
    ...statements.map((statement) => `  ${statement};`),
    'END',
  ].join('\n');
  return { name, recordType: table.recordType, sql };
}

export function fence(category: Category): string {
  const message = `${abortPrefix} ${category} is fenced, authority over it has left this store`;
  return `SELECT RAISE(ABORT, ${literal(message)}) WHERE
    (SELECT state FROM _mig_authority WHERE category = ${literal(category)}) IS NOT 'open'`;
}

export function keyCheck(table: MigratedTable, belongs = ''): string {
  const message = `${abortPrefix} a key of ${table.table} must be a text or an integer of at most ${maxRowKeyBytes} bytes`;
  const isWrong = `(${noKey(table.keyColumns, 'NEW.')}) OR (${longKey(table.keyColumns, 'NEW.')})`;
  return `SELECT RAISE(ABORT, ${literal(message)}) WHERE ${belongs === '' ? isWrong : `(${isWrong})${belongs}`}`;
}

/** Ends in a WHERE clause that more conditions can be added to. */
export function log(table: MigratedTable, op: string, row: string, from = ''): string {
  return `INSERT INTO _mig_log (category, record_type, op, epoch, ${keyList})
    SELECT a.category, ${literal(table.recordType)}, ${literal(op)}, a.epoch, ${keysOf(table, row)}
    FROM _mig_authority AS a${from} WHERE a.category = ${literal(table.category)}`;
}

/** Key columns of a row, padded to the columns of the log. */
export function keysOf(table: MigratedTable, row: string): string {
  return keyColumnNames
    .map((_, at) => {
      const name = table.keyColumns[at];
      return name === undefined ? "''" : `${row}.${quoteName(name)}`;
    })
    .join(', ');
}

export function differs(columns: readonly string[], left: string, right: string): string {
  return columns
    .map((name) => `${left}.${quoteName(name)} COLLATE BINARY IS NOT ${right}.${quoteName(name)}`)
    .join(' OR ');
}

function touchesOfUpdate(table: MigratedTable, tables: readonly MigratedTable[]): readonly string[] {
  return (table.touches ?? []).flatMap((touch) => {
    const unchanged = `NOT (${differs(touch.keyColumns, 'NEW', 'OLD')})`;
    const one = { ...table, touches: [touch] };
    return [...touches(one, tables, 'OLD', unchanged), ...touches(one, tables, 'NEW', unchanged)];
  });
}

/** Logs the records of other tables that a row counts for; those that do not exist need no log. */
function touches(
  table: MigratedTable,
  tables: readonly MigratedTable[],
  row: string,
  unless: string,
  from = '',
): readonly string[] {
  return (table.touches ?? []).map((touch) => {
    const touched = touchedTable(tables, table, touch.table);
    const isTouched = touched.keyColumns
      .map((name, at) => `n.${quoteName(name)} = ${row}.${quoteName(touch.keyColumns[at] ?? '')}`)
      .join(' AND ');
    const tablesRead = `, ${quoteName(touched.table)} AS n${from}`;
    return `${log(touched, 'touch', 'n', tablesRead)} AND ${isTouched}${andBelongs(touched, 'n')} AND NOT (${unless})`;
  });
}

/** Throws RangeError: a definition that says so cannot be migrated. */
export function touchedTable(
  tables: readonly MigratedTable[],
  table: MigratedTable,
  name: string,
): MigratedTable {
  const touched = tables.find((candidate) => candidate.table === name);
  if (touched === undefined || touched.category !== table.category) {
    throw new RangeError(`${table.table} touches ${name}, which is no table of its category`);
  }
  return touched;
}

/**
 * Conditions under which row `t` gives way to NEW by `OR REPLACE`. SQLite fires no delete trigger for it unless the
 * writer switched recursive triggers on. Logging a row that then stays is harmless: its content is read at the end.
 */
export function evictingConditions({ table, uniqueIndexes, hasHiddenRowid }: TableLayout): readonly string[] {
  const others = uniqueIndexes.filter((index) => !isKeyIndex(index, table.keyColumns));
  return [
    ...others.map(({ columns }) =>
      columns
        .map(({ name, collation }) => {
          const column = quoteName(name ?? '');
          return `t.${column} = NEW.${column} COLLATE ${quoteName(collation)}`;
        })
        .join(' AND '),
    ),
    ...(hasHiddenRowid ? ['t.rowid = NEW.rowid'] : []),
  ];
}

function isKeyIndex(index: UniqueIndex, keyColumns: readonly string[]): boolean {
  return (
    index.columns.length === keyColumns.length &&
    index.columns.every(({ name, collation }) => keyColumns.includes(name ?? '') && collation === 'BINARY')
  );
}

function evict(
  table: MigratedTable,
  tables: readonly MigratedTable[],
  conditions: readonly string[],
  self: 'NEW' | 'OLD',
): readonly string[] {
  const from = `, ${quoteName(table.table)} AS t`;
  const isOther = differs(table.keyColumns, 't', self);
  return conditions.flatMap((condition) => [
    `${log(table, 'evict', 't', from)} AND ${condition} AND (${isOther})`,
    ...touches(table, tables, 't', `NOT (${condition} AND (${isOther}))`, from),
  ]);
}
