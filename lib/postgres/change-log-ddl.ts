import { maxRowKeyBytes } from '../migration/key.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import { fencedState, keyState, refusalPrefix } from './faults.ts';
import { keyLength } from './inspect-tables.ts';
import { andBelongs, andWhere, belongs } from './membership.ts';
import { lockKeys, qualified, quoteName, quoteText } from './names.ts';
import { keyColumnNames, ownPrefix } from './own-names.ts';
import type { TableLayout } from './table-layout.ts';

// Everything here runs inside the transactions of the flat system. Sequences are drawn while the row is locked, so
// that the sequences of one key follow its commits. Those of different keys do not: a writer notes, before its first
// sequence, the last one that was given (a shared advisory lock on it), and readers never pass such a note.

const keyList = keyColumnNames.join(', ');

/** Where entries go: into the table of the log, or with the commit into the write-ahead log, to be decoded. */
export type LogDestination = 'table' | 'write-ahead log';

/** Writes entries; `values` are SQL of category, record type, operation, epoch and the texts of the key. */
function logRows(schema: string, to: LogDestination, values: string, rest = ''): string {
  return to === 'table'
    ? `INSERT INTO ${qualified(schema, '_mig_log')} (category, record_type, op, epoch, ${keyList}) SELECT ${values} ${rest}`
    : `SELECT ${qualified(schema, '_mig_emit')}(${values}) ${rest}`;
}
const keyDeclaration = keyColumnNames.map((name) => `${name} text COLLATE "C" NOT NULL`).join(', ');

/** The log has no index on the sequence alone: looking for a key's newest entry would walk along it. */
export function ownTables(schema: string): string {
  const name = (table: string): string => qualified(schema, table);
  return `
CREATE TABLE IF NOT EXISTS ${name('_mig_log')} (
  seq bigint GENERATED ALWAYS AS IDENTITY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  category text NOT NULL, record_type text NOT NULL, op text NOT NULL, epoch bigint NOT NULL, ${keyDeclaration});
CREATE INDEX IF NOT EXISTS _mig_log_key ON ${name('_mig_log')} (record_type, ${keyList}, seq);
CREATE INDEX IF NOT EXISTS _mig_log_category ON ${name('_mig_log')} (category, seq);
CREATE TABLE IF NOT EXISTS ${name('_mig_authority')} (
  category text PRIMARY KEY, epoch bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'fenced', 'following')));
CREATE TABLE IF NOT EXISTS ${name('_mig_version')} (
  record_type text NOT NULL, ${keyDeclaration}, epoch bigint NOT NULL, sequence bigint NOT NULL,
  tombstone boolean NOT NULL, PRIMARY KEY (record_type, ${keyList}));
CREATE TABLE IF NOT EXISTS ${name('_mig_marker')} (xid xid8 PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ${name('_mig_relog')} (
  category text NOT NULL, record_type text NOT NULL, ${keyDeclaration},
  PRIMARY KEY (category, record_type, ${keyList}));
CREATE TABLE IF NOT EXISTS ${name('_mig_evicted')} (
  category text NOT NULL, record_type text NOT NULL, ${keyDeclaration},
  PRIMARY KEY (category, record_type, ${keyList}));
CREATE TABLE IF NOT EXISTS ${name('_mig_gap')} (category text PRIMARY KEY, seq bigint NOT NULL);
CREATE TABLE IF NOT EXISTS ${name('_mig_schema')} (record_type text PRIMARY KEY, fingerprint text NOT NULL);
`;
}

/** Schema and name of the sequence behind `_mig_log.seq`. */
export function logSequence(schema: string): string {
  return qualified(schema, '_mig_log_seq_seq');
}

const lastGiven = (schema: string): string =>
  `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ${logSequence(schema)}`;

/** Signed 32 bits of a sequence, as the second number of an advisory lock. */
const lockNumber = (sequence: string): string =>
  `(((${sequence}) + 2147483648) % 4294967296 - 2147483648)::int`;

const isStaleSnapshot = `current_setting('transaction_isolation') IN ('repeatable read', 'serializable')`;

export function ownFunctions(schema: string, to: LogDestination): readonly string[] {
  const name = (object: string): string => qualified(schema, object);
  return [
    // True inside a transaction that applies changes of the hierarchical side.
    `CREATE OR REPLACE FUNCTION ${name('_mig_is_applying')}() RETURNS boolean ${header}
BEGIN
  RETURN current_setting('hal9_migrate.applying', true) = pg_current_xact_id()::text
    AND EXISTS (SELECT 1 FROM ${name('_mig_marker')} WHERE xid = pg_current_xact_id());
END $fn$`,
    // Admits a writer: no fence can come before it ends, and no reader passes the sequences that it will draw. A
    // snapshot taken before the lock cannot see a fence that came meanwhile; locking the row finds it.
    `CREATE OR REPLACE FUNCTION ${name('_mig_enter')}(
  wanted text, authority_key int, writing_key int, note text) RETURNS bigint ${header}
DECLARE
  me text := pg_current_xact_id()::text;
  noted text := current_setting(note, true);
  present record;
  low bigint;
BEGIN
  IF split_part(noted, ':', 1) = me THEN RETURN split_part(noted, ':', 2)::bigint; END IF;
  PERFORM pg_advisory_xact_lock_shared(authority_key, 0);
  IF ${isStaleSnapshot} THEN
    SELECT a.epoch, a.state INTO present FROM ${name('_mig_authority')} a WHERE a.category = wanted FOR SHARE;
  ELSE
    SELECT a.epoch, a.state INTO present FROM ${name('_mig_authority')} a WHERE a.category = wanted;
  END IF;
  IF present.state IS DISTINCT FROM 'open' THEN
    RAISE EXCEPTION '${refusalPrefix} % is fenced, authority over it has left this store', wanted
      USING ERRCODE = '${fencedState}';
  END IF;
  ${
    to === 'table'
      ? `${lastGiven(schema).replace(' FROM', ' INTO low FROM')};
  PERFORM pg_advisory_xact_lock_shared(writing_key, ${lockNumber('low')});`
      : ''
  }
  PERFORM set_config(note, me || ':' || present.epoch, true);
  RETURN present.epoch;
END $fn$`,
    // The last sequence that was given, and the highest that no writer under way can be at or below. To be asked before a snapshot is taken: the
    // sequence first, then the notes, so that a writer missing from the notes is one that the snapshot will see.
    `CREATE OR REPLACE FUNCTION ${name('_mig_horizon')}(writing_key int) RETURNS bigint[] ${header}
DECLARE
  given bigint;
  noted bigint;
BEGIN
  ${lastGiven(schema).replace(' FROM', ' INTO given FROM')};
  SELECT min(given + ((l.objid::bigint - (given & 4294967295) + 6442450944) & 4294967295) - 2147483648) INTO noted
    FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2
      AND l.classid::bigint = (writing_key::bigint & 4294967295)
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
  RETURN ARRAY[given, least(given, noted)];
END $fn$`,
  ];
}

/** SQL of the call that admits a writer of a category; its value is the epoch. */
export function enterCall(schema: string, category: MigratedTable['category']): string {
  const keys = lockKeys(schema, category);
  return `${qualified(schema, '_mig_enter')}(${quoteText(category)}, ${keys.authority}, ${keys.writing}, ${quoteText(keys.note)})`;
}

const language = `LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp`;
const header = `${language} AS $fn$`;
/** An instant has one spelling, whatever the session of the writer would give. */
const headerOfInstants = `${language} SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' AS $fn$`;

/** Function and triggers of one table. `tables` are all tables of the definition. */
export function tableTriggers(
  schema: string,
  { table, from, partitions, columns }: TableLayout,
  tables: readonly MigratedTable[],
  to: LogDestination,
): readonly string[] {
  const change = `${ownPrefix}${table.recordType}_change`;
  const truncate = `${ownPrefix}${table.recordType}_truncate`;
  const trigger = (name: string, on: string, [event, each]: readonly [string, string]): readonly string[] => [
    `DROP TRIGGER IF EXISTS ${quoteName(name)} ON ${on}`,
    `CREATE TRIGGER ${quoteName(name)} ${event} ON ${on} ${each} EXECUTE FUNCTION ${qualified(schema, name)}()`,
    // Also for writers that replicate or load data with the usual triggers off.
    `ALTER TABLE ${on} ENABLE ALWAYS TRIGGER ${quoteName(name)}`,
  ];
  const hasInstants = columns.some(
    ({ name, type }) => table.keyColumns.includes(name) && type.startsWith('timestamp'),
  );
  const head = hasInstants ? headerOfInstants : header;
  return [
    changeFunction(schema, change, { table, head, to }, tables),
    truncateFunction(schema, truncate, { table, head, to }, tables),
    // PostgreSQL gives the row trigger to every partition, those that come later included.
    ...trigger(change, from, ['AFTER INSERT OR UPDATE OR DELETE', 'FOR EACH ROW']),
    ...[from, ...partitions].flatMap((on) =>
      trigger(truncate, on, ['BEFORE TRUNCATE', 'FOR EACH STATEMENT']),
    ),
  ];
}

interface FunctionOfTable {
  readonly table: MigratedTable;
  readonly head: string;
  readonly to: LogDestination;
}

function changeFunction(
  schema: string,
  name: string,
  { table, head, to }: FunctionOfTable,
  tables: readonly MigratedTable[],
): string {
  const keyChanged = differs(table.keyColumns, 'NEW', 'OLD');
  const isQuery = table.where !== undefined;
  // The columns of a where may have the names of our variables.
  const names = tables.some(({ where }) => where !== undefined) ? '\n#variable_conflict use_column' : '';
  return `CREATE OR REPLACE FUNCTION ${qualified(schema, name)}() RETURNS trigger ${head}${names}
DECLARE e bigint;${isQuery ? ' was boolean := false; becomes boolean := false;' : ''}
BEGIN
  IF ${qualified(schema, '_mig_is_applying')}() THEN RETURN NULL; END IF;${isQuery ? membership(table) : ''}
  e := ${enterCall(schema, table.category)};
  IF TG_OP <> 'DELETE'${isQuery ? ' AND becomes' : ''} THEN
    IF ${keyLength(table.keyColumns, 'NEW')} > ${maxRowKeyBytes} THEN
      RAISE EXCEPTION '${refusalPrefix} a key of % has more than ${maxRowKeyBytes} bytes', TG_TABLE_NAME
        USING ERRCODE = '${keyState}';
    END IF;
  END IF;
  IF TG_OP = 'INSERT' THEN
    ${countedAppears(schema, table, tables)}
    ${log(schema, to, table, 'insert', 'NEW')}
    ${touches(schema, to, table, tables, 'NEW')}
  ELSIF TG_OP = 'UPDATE' THEN
    ${
      isQuery
        ? queryUpdate(schema, to, table, tables)
        : `${log(schema, to, table, 'update', 'OLD')}
    IF ${keyChanged} THEN
      ${countedAppears(schema, table, tables)}
      ${log(schema, to, table, 'update', 'NEW')}
    END IF;`
    }
    ${touchesOfUpdate(schema, to, table, tables)}
  ELSE
    ${log(schema, to, table, 'delete', 'OLD')}
    ${touches(schema, to, table, tables, 'OLD')}
  END IF;
  RETURN NULL;
END $fn$`;
}

/** Rows that are no records are nobody's business: their writes are neither fenced nor logged. */
function membership(table: MigratedTable): string {
  return `
  IF TG_OP <> 'INSERT' THEN was := ${belongs(table, 'OLD')}; END IF;
  IF TG_OP <> 'DELETE' THEN becomes := ${belongs(table, 'NEW')}; END IF;
  IF NOT (was OR becomes) THEN RETURN NULL; END IF;`;
}

/** A row that begins to be a record appears as one that is inserted does. */
function queryUpdate(
  schema: string,
  to: LogDestination,
  table: MigratedTable,
  tables: readonly MigratedTable[],
): string {
  return `IF was THEN
      ${log(schema, to, table, 'update', 'OLD')}
    END IF;
    IF becomes AND (NOT was OR ${differs(table.keyColumns, 'NEW', 'OLD')}) THEN
      ${countedAppears(schema, table, tables)}
      ${log(schema, to, table, 'update', 'NEW')}
    END IF;`;
}

/** A table, or one of its partitions, is emptied without its row triggers: each of its keys is logged first. */
function truncateFunction(
  schema: string,
  name: string,
  { table, head, to }: FunctionOfTable,
  tables: readonly MigratedTable[],
): string {
  const from = "' || TG_RELID::regclass || '";
  const execute = (sql: string): string =>
    `EXECUTE '${sql.replaceAll("'", "''").replaceAll(from.replaceAll("'", "''"), from)}' USING e;`;
  const entries = (of: MigratedTable, op: string, row: string, rest: string): string =>
    logRows(
      schema,
      to,
      `${quoteText(of.category)}, ${quoteText(of.recordType)}, '${op}', $1, ${keysOf(of, row)}`,
      rest,
    );
  const touchedRows = presentTouches(table, tables).map((touch) => {
    const touched = touchedTable(tables, table, touch.table);
    const isTouched = touched.keyColumns
      .map((column, at) => `n.${quoteName(column)} = t.${quoteName(touch.keyColumns[at] ?? '')}`)
      .join(' AND ');
    return `WITH touched AS (SELECT n.* FROM ${qualified(schema, touched.table)} AS n
      WHERE EXISTS (SELECT 1 FROM ${from} AS t WHERE ${isTouched}) FOR NO KEY UPDATE)
    ${entries(touched, 'touch', 'touched', 'FROM touched')}`;
  });
  return `CREATE OR REPLACE FUNCTION ${qualified(schema, name)}() RETURNS trigger ${head}
DECLARE e bigint;
BEGIN
  IF ${qualified(schema, '_mig_is_applying')}() THEN RETURN NULL; END IF;
  e := ${enterCall(schema, table.category)};
  ${execute(entries(table, 'truncate', 't', `FROM ${from} AS t${onlyRecords(table)}`))}
  ${touchedRows.map(execute).join('\n  ')}
  RETURN NULL;
END $fn$`;
}

function onlyRecords(table: MigratedTable): string {
  return table.where === undefined ? '' : ` WHERE true${andWhere(table)}`;
}

/**
 * Logs every row of a table (or of some partitions of it), and every logged key that is no longer there: after writes
 * that nobody recorded.
 */
export function relogTable(
  schema: string,
  { table, from }: Pick<TableLayout, 'table' | 'from'>,
  parts: readonly string[] = [from],
): readonly string[] {
  const isSame = table.keyColumns
    .map((name, at) => `t.${quoteName(name)}::text = g.${keyColumnNames[at] ?? ''}`)
    .join(' AND ');
  const [category, recordType] = [quoteText(table.category), quoteText(table.recordType)];
  const into = `INSERT INTO ${qualified(schema, '_mig_relog')} (category, record_type, ${keyList})`;
  return [
    ...parts.map(
      (part) =>
        `${into} SELECT ${category}, ${recordType}, ${keysOf(table, 't')} FROM ${part} AS t ON CONFLICT DO NOTHING`,
    ),
    `${into} SELECT DISTINCT ${category}, ${recordType}, ${keyColumnNames.map((name) => `g.${name}`).join(', ')}
      FROM ${qualified(schema, '_mig_log')} AS g WHERE g.record_type = ${recordType}
      AND NOT EXISTS (SELECT 1 FROM ${from} AS t WHERE ${isSame}) ON CONFLICT DO NOTHING`,
  ];
}

/** Moves what waits to be logged into the log. The category must be open. */
export function flushRelog(
  schema: string,
  category: MigratedTable['category'],
  to: LogDestination,
): readonly string[] {
  const waiting = `r.category, r.record_type, 'relog', a.epoch, ${keyColumnNames.map((name) => `r.${name}`).join(', ')}`;
  return [
    // Before the first sequence is drawn, as every writer does.
    `SELECT ${enterCall(schema, category)}`,
    logRows(
      schema,
      to,
      waiting,
      `FROM ${qualified(schema, '_mig_relog')} AS r
       JOIN ${qualified(schema, '_mig_authority')} AS a ON a.category = r.category
       WHERE r.category = ${quoteText(category)}`,
    ),
    `DELETE FROM ${qualified(schema, '_mig_relog')} WHERE category = ${quoteText(category)}`,
  ];
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

/** A store may be without the table that a row counts for. */
function presentTouches(
  table: MigratedTable,
  tables: readonly MigratedTable[],
): NonNullable<MigratedTable['touches']> {
  return (table.touches ?? []).filter((touch) => tables.some((present) => present.table === touch.table));
}

function log(schema: string, to: LogDestination, table: MigratedTable, op: string, row: string): string {
  return logNow(schema, to, table, op, keysOf(table, row));
}

function logNow(schema: string, to: LogDestination, table: MigratedTable, op: string, keys: string): string {
  const values = `${quoteText(table.category)}, ${quoteText(table.recordType)}, '${op}', e, ${keys}`;
  const statement = logRows(schema, to, values);
  return to === 'table' ? `${statement};` : `${statement.replace('SELECT', 'PERFORM')};`;
}

/** Key columns of a row as texts, padded to the columns of the log. */
function keysOf(table: MigratedTable, row: string): string {
  return keyColumnNames
    .map((_, at) => {
      const name = table.keyColumns[at];
      return name === undefined ? "''" : `${row}.${quoteName(name)}::text`;
    })
    .join(', ');
}

function differs(columns: readonly string[], left: string, right: string): string {
  return columns
    .map((name) => `${left}.${quoteName(name)} IS DISTINCT FROM ${right}.${quoteName(name)}`)
    .join(' OR ');
}

function touchesOfUpdate(
  schema: string,
  to: LogDestination,
  table: MigratedTable,
  tables: readonly MigratedTable[],
): string {
  return presentTouches(table, tables)
    .map((touch) => {
      const one = { ...table, touches: [touch] };
      return `IF ${differs(touch.keyColumns, 'NEW', 'OLD')} THEN
      ${touches(schema, to, one, tables, 'OLD')}
      ${touches(schema, to, one, tables, 'NEW')}
    END IF;`;
    })
    .join('\n    ');
}

/**
 * Logs the records of other tables that a row counts for. Their rows are locked first, so that the counts that
 * follow a sequence are those of its commit. A record that is not there needs no log, but must not appear meanwhile;
 * a snapshot that cannot tell logs it anyway.
 */
function touches(
  schema: string,
  to: LogDestination,
  table: MigratedTable,
  tables: readonly MigratedTable[],
  row: 'NEW' | 'OLD',
): string {
  return presentTouches(table, tables)
    .map((touch) => {
      const touched = touchedTable(tables, table, touch.table);
      const theirs = touch.keyColumns.map((name) => `${row}.${quoteName(name)}`);
      const isTouched = touched.keyColumns.map(
        (name, at) => `n.${quoteName(name)} = ${theirs[at] ?? 'NULL'}`,
      );
      const lockRow = `PERFORM 1 FROM ${qualified(schema, touched.table)} AS n
        WHERE ${isTouched.join(' AND ')} FOR NO KEY UPDATE;`;
      const padded = keyColumnNames.map((_, at) => (theirs[at] === undefined ? "''" : `${theirs[at]}::text`));
      return `${lockRow}
      IF NOT FOUND THEN
        PERFORM pg_advisory_xact_lock(${stripe(schema, touched, theirs)});
        ${lockRow}
      END IF;${
        touched.where === undefined
          ? ''
          : `
      -- Locked, it stays what it is; before it begins to be a record, its writer waits.
      IF FOUND THEN
        PERFORM 1 FROM ${qualified(schema, touched.table)} AS n
          WHERE ${isTouched.join(' AND ')}${andBelongs(touched, 'n')};
      END IF;`
      }
      IF FOUND OR (${isStaleSnapshot} AND ${theirs.map((key) => `${key} IS NOT NULL`).join(' AND ')}) THEN
        ${logNow(schema, to, touched, 'touch', padded.join(', '))}
      END IF;`;
    })
    .join('\n    ');
}

/** A record that others count for appears: whoever counted for it while it was not there has ended. */
function countedAppears(schema: string, table: MigratedTable, tables: readonly MigratedTable[]): string {
  const isCounted = tables.some(({ touches }) => touches?.some((touch) => touch.table === table.table));
  if (!isCounted) return '';
  const keys = table.keyColumns.map((name) => `NEW.${quoteName(name)}`);
  return `PERFORM pg_advisory_xact_lock_shared(${stripe(schema, table, keys)});`;
}

function stripe(schema: string, touched: MigratedTable, keys: readonly string[]): string {
  const { counting } = lockKeys(schema, touched.category);
  const text = keys.map((key) => `${key}::text`).join(" || '|' || ");
  return `${counting}, (hashtext(${text}) & 63)`;
}
