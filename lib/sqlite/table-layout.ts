import type { MigrationDefinition } from '../migration/definition.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import type { Cells, Connection } from './connection.ts';

export type Affinity = 'text' | 'integer' | 'real' | 'numeric' | 'none';

interface StoredColumn {
  readonly name: string;
  readonly affinity: Affinity;
  readonly notNull: boolean;
}

export interface UniqueIndex {
  readonly name: string;
  /** `name` is null for an expression. */
  readonly columns: readonly { readonly name: string | null; readonly collation: string }[];
  readonly partial: boolean;
}

/** A table as it is in the file. */
export interface TableLayout {
  readonly table: MigratedTable;
  /** Without generated columns, which follow from the others and cannot be written. */
  readonly columns: readonly StoredColumn[];
  readonly primaryKey: readonly string[];
  readonly uniqueIndexes: readonly UniqueIndex[];
  /** A rowid of its own, by which `INSERT OR REPLACE` can evict a row. */
  readonly hasHiddenRowid: boolean;
  /** SQL of each key column, in key order, compared byte by byte. */
  readonly keyExpressions: readonly string[];
  /** Text that changes whenever anything above does. */
  readonly fingerprint: string;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Layouts by record type; null where the file has no such table (a view is no table). */
export function readLayouts(
  connection: Connection,
  definition: MigrationDefinition,
): ReadonlyMap<string, TableLayout | null> {
  return new Map(definition.tables.map((table) => [table.recordType, readLayout(connection, table)]));
}

/** False for a view, which has no rows of its own. */
export function isTable(connection: Connection, name: string): boolean {
  return listedTable(connection, name) !== undefined;
}

function listedTable(connection: Connection, name: string): Cells | undefined {
  return connection.first(
    `SELECT wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name = ? COLLATE NOCASE`,
    [name],
  );
}

function readLayout(connection: Connection, table: MigratedTable): TableLayout | null {
  const listed = listedTable(connection, table.table);
  if (listed === undefined) return null;
  const info = connection.all(`PRAGMA table_xinfo(${quoteName(table.table)})`);
  const columns = info
    .filter(([, , , , , , hidden]) => hidden === 0n)
    .map(([, name, type, notNull]) => ({
      name: String(name),
      affinity: affinityOf(String(type)),
      notNull: notNull === 1n,
    }));
  const primaryKey = info
    .filter(([, , , , , position]) => position !== 0n)
    .toSorted((left, right) => Number(left[5]) - Number(right[5]))
    .map(([, name]) => String(name));
  const uniqueIndexes = readUniqueIndexes(connection, table.table);
  const isRowidAlias =
    primaryKey.length === 1 &&
    info.some(([, name, type]) => name === primaryKey[0] && /^integer$/i.test(String(type)));
  return {
    table,
    columns,
    primaryKey,
    uniqueIndexes,
    hasHiddenRowid: listed[0] === 0n && !isRowidAlias,
    keyExpressions: table.keyColumns.map((name) => keyExpression(name, uniqueIndexes)),
    fingerprint: JSON.stringify([info.map(String), uniqueIndexes, listed.map(String)]),
  };
}

function readUniqueIndexes(connection: Connection, table: string): readonly UniqueIndex[] {
  return connection
    .all(`PRAGMA index_list(${quoteName(table)})`)
    .filter(([, , unique]) => unique === 1n)
    .map(([, name, , , partial]) => ({
      name: String(name),
      partial: partial === 1n,
      columns: connection
        .all(`PRAGMA index_xinfo(${quoteName(String(name))})`)
        .filter(([, , , , , isKey]) => isKey === 1n)
        .map(([, , column, , collation]) => ({
          name: column === null || column === undefined ? null : String(column),
          collation: String(collation),
        })),
    }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** An explicit collation keeps SQLite from using the index, so it is there only where it changes something. */
function keyExpression(name: string, indexes: readonly UniqueIndex[]): string {
  const collates = indexes.some(({ columns }) =>
    columns.some((column) => column.name === name && column.collation !== 'BINARY'),
  );
  return collates ? `${quoteName(name)} COLLATE BINARY` : quoteName(name);
}

/** The rules of "Determination Of Column Affinity", in their order. */
function affinityOf(declaredType: string): Affinity {
  const type = declaredType.toUpperCase();
  if (type.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT/.test(type)) return 'text';
  if (type === '' || type.includes('BLOB')) return 'none';
  return /REAL|FLOA|DOUB/.test(type) ? 'real' : 'numeric';
}
