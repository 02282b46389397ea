import type { ColumnDefinition, MigrationDefinition } from '../migration/definition.ts';
import { maxRowKeyBytes } from '../migration/key.ts';
import type { Connection } from './connection.ts';
import { andWhere } from './membership.ts';
import { recogniseMapping, type RecognisedMapping } from '../migration/source-mapping.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import { isTable, quoteName, readLayouts, type Affinity, type TableLayout } from './table-layout.ts';

/** Key columns that a log entry has room for. */
export const maxKeyColumns = 4;

/**
 * Layouts by record type of the tables that the store has, in the mapping that it is of.
 * Throws HalError `SourceRejected` with everything that is wrong at once.
 */
export function checkedLayouts(
  connection: Connection,
  definition: MigrationDefinition,
): ReadonlyMap<string, TableLayout> {
  const layouts = readLayouts(connection, definition);
  const recognised = recognisedTables(connection, definition);
  const present = recognised.present.flatMap(({ recordType }): (readonly [string, TableLayout])[] => {
    const layout = layouts.get(recordType) ?? null;
    return layout === null ? [] : [[recordType, layout]];
  });
  const faults = [
    ...present.flatMap(([, layout]) => layoutFaults(layout)),
    ...lostTables(connection, recognised.absent),
  ];
  if (faults.length > 0) throw sourceRejected(connection.path, faults);
  return new Map(present);
}

/** Which mapping the store is of. Throws HalError `SourceRejected` when it is of none. */
export function recognisedTables(
  connection: Connection,
  definition: MigrationDefinition,
): Extract<RecognisedMapping, { readonly kind: 'recognised' }> {
  const recognised = recogniseMapping(definition, (name) => isTable(connection, name));
  if (recognised.kind === 'recognised') return recognised;
  const layouts = [...readLayouts(connection, definition).values()];
  const further = layouts.flatMap((layout) => (layout === null ? [] : layoutFaults(layout)));
  throw sourceRejected(connection.path, [...recognised.faults, ...further]);
}

/** A table that may be absent, and was there when its changes began to be logged: its rows cannot have been none. */
function lostTables(connection: Connection, absent: readonly MigratedTable[]): readonly string[] {
  if (absent.length === 0 || !isTable(connection, '_mig_schema')) return [];
  const logged = new Set(connection.all('SELECT record_type FROM _mig_schema').map(([name]) => name));
  return absent
    .filter(({ recordType }) => logged.has(recordType))
    .map(({ table }) => `table ${table} is missing, which was there when the migration began`);
}

/** SQL that is true for a key that cannot identify a record: NULL, a blob or a fraction. */
export function noKey(columns: readonly string[], row = ''): string {
  return columns.map((name) => `typeof(${row}${quoteName(name)}) NOT IN ('text', 'integer')`).join(' OR ');
}

/** SQL that is true for a key that no store of the target has room for. */
export function longKey(columns: readonly string[], row = ''): string {
  const lengths = columns.map(
    (name) => `length(CAST(replace(replace(${row}${quoteName(name)}, '%', '%25'), '|', '%7C') AS BLOB))`,
  );
  return `${lengths.join(' + ')} > ${maxRowKeyBytes}`;
}

/** Rows that cannot be told apart, or whose key is too long. */
export function keyFaults(connection: Connection, layout: TableLayout): readonly string[] {
  const { table, keyColumns } = layout.table;
  const count = (isWrong: string): bigint =>
    (connection.first(
      `SELECT count(*) FROM ${quoteName(table)} WHERE (${isWrong})${andWhere(layout.table)}`,
    )?.[0] ?? 0n) as bigint;
  const names = keyColumns.join(', ');
  const [unkeyed, long] = [count(noKey(keyColumns)), count(longKey(keyColumns))];
  return [
    ...(unkeyed === 0n
      ? []
      : [`table ${table} has ${unkeyed} rows whose key (${names}) is no text or integer`]),
    ...(long === 0n
      ? []
      : [`table ${table} has ${long} rows whose key (${names}) is longer than ${maxRowKeyBytes} bytes`]),
  ];
}

function layoutFaults(layout: TableLayout): readonly string[] {
  const { table, columns, keyColumns } = layout.table;
  return [
    ...columns.flatMap((column) => columnFaults(layout, column)),
    ...keyFaultsOfSchema(layout),
    ...layout.columns
      .filter(({ name }) => name.startsWith('derived.') || name === '__proto__')
      .map(({ name }) => `column ${table}.${name} has a reserved name`),
    ...layout.uniqueIndexes
      .filter((index) => index.columns.some(({ name }) => name === null))
      .map(
        ({ name }) =>
          `unique index ${name} of ${table} is over an expression, whose evictions cannot be logged`,
      ),
    ...(keyColumns.length > maxKeyColumns
      ? [`table ${table} has more than ${maxKeyColumns} key columns`]
      : []),
  ];
}

function columnFaults(layout: TableLayout, column: ColumnDefinition): readonly string[] {
  const { table } = layout.table;
  const stored = layout.columns.find(({ name }) => name === column.name);
  if (stored === undefined && column.mayBeAbsent === true) return [];
  if (stored === undefined) return [`column ${table}.${column.name} is missing`];
  if (acceptable[column.storage].includes(stored.affinity)) return [];
  return [`column ${table}.${column.name} has ${stored.affinity} affinity where ${column.storage} belongs`];
}

const acceptable: Readonly<Record<ColumnDefinition['storage'], readonly Affinity[]>> = {
  text: ['text', 'none'],
  integer: ['integer', 'numeric', 'none'],
  real: ['real', 'none'],
  blob: ['none'],
  any: ['text', 'integer', 'real', 'numeric', 'none'],
};

function keyFaultsOfSchema({ table, primaryKey, uniqueIndexes, columns }: TableLayout): readonly string[] {
  // Part of the key that is unique by itself makes the whole key unique.
  const isKey = (names: readonly (string | null)[]): boolean =>
    names.length > 0 && names.every((name) => name !== null && table.keyColumns.includes(name));
  const isUnique =
    isKey(primaryKey) ||
    uniqueIndexes.some((index) => !index.partial && isKey(index.columns.map(({ name }) => name)));
  const isThere = table.keyColumns.every((key) => columns.some(({ name }) => name === key));
  if (isUnique || !isThere) return [];
  return [`table ${table.table} has no primary key or unique index on (${table.keyColumns.join(', ')})`];
}
