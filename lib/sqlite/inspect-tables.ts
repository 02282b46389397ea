import { HalError } from '../kernel/errors.ts';
import type { ColumnDefinition, MigrationDefinition } from '../migration/definition.ts';
import { maxRowKeyBytes } from '../migration/key.ts';
import type { Connection } from './connection.ts';
import { quoteName, readLayouts, type Affinity, type TableLayout } from './table-layout.ts';

/** Key columns that a log entry has room for. */
export const maxKeyColumns = 4;

/** Layouts of all tables by record type. Throws HalError `SourceRejected` with everything that is wrong at once. */
export function checkedLayouts(
  connection: Connection,
  definition: MigrationDefinition,
): ReadonlyMap<string, TableLayout> {
  const layouts = readLayouts(connection, definition);
  const faults = definition.tables.flatMap((table) => {
    const layout = layouts.get(table.recordType) ?? null;
    return layout === null ? [`table ${table.table} is missing`] : layoutFaults(layout);
  });
  if (faults.length > 0) throw sourceRejected(connection.path, faults);
  return layouts as ReadonlyMap<string, TableLayout>;
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
    (connection.first(`SELECT count(*) FROM ${quoteName(table)} WHERE ${isWrong}`)?.[0] ?? 0n) as bigint;
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

export function sourceRejected(path: string, faults: readonly string[]): HalError {
  return new HalError({
    name: 'SourceRejected',
    message: `The flat store ${path} cannot be migrated: ${faults.join('; ')}.`,
    remedy: 'Bring the store to the schema of docs/concepts/flat-schema.md, then run the command again.',
    exit: 'sourceRejected',
    facts: { path, faults },
  });
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
  const isKey = (names: readonly (string | null)[]): boolean =>
    names.length === table.keyColumns.length && table.keyColumns.every((name) => names.includes(name));
  const isUnique =
    isKey(primaryKey) ||
    uniqueIndexes.some((index) => !index.partial && isKey(index.columns.map(({ name }) => name)));
  const isThere = table.keyColumns.every((key) => columns.some(({ name }) => name === key));
  if (isUnique || !isThere) return [];
  return [`table ${table.table} has no primary key or unique index on (${table.keyColumns.join(', ')})`];
}
