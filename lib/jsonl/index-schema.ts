import { createHash } from 'node:crypto';

import { canonicalJson } from '../kernel/canonical-json.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import type { SourceFile } from './ports.ts';

/** Raised with every change of the index's form, so that an index of another form is not taken for ours. */
const format = 1;

/** Identity of an index: the files and what of their rows it holds. */
export function fingerprintOf(definition: MigrationDefinition, files: readonly SourceFile[]): string {
  const tables = definition.tables.map(({ recordType, table, mapping, keyColumns, columns, derived }) => ({
    recordType,
    table,
    mapping: mapping ?? null,
    keyColumns,
    columns: columns.map(({ name, mayBeAbsent }) => ({ name, mayBeAbsent: mayBeAbsent ?? false })),
    derived: derived ?? [],
  }));
  const text = canonicalJson({ format, tables, files: files.map((file) => ({ ...file })) });
  return createHash('sha256').update(text).digest('hex');
}

/** SQLite tables of an index are numbered like the tables of the definition. */
export function rowsTable(definition: MigrationDefinition, table: MigratedTable): string {
  return `rows_${definition.tables.findIndex(({ recordType }) => recordType === table.recordType)}`;
}

/** Rows of another table counted by the columns that a derived value of ours names. */
export interface DerivedCount {
  /** For example `derived.connection_count`. */
  readonly name: string;
  readonly countOf: string;
  readonly sqlTable: string;
  /** Columns of the counted table, and those of ours that they equal. */
  readonly counted: readonly string[];
  readonly ours: readonly string[];
}

export function derivedCounts(
  definition: MigrationDefinition,
  table: MigratedTable,
): readonly DerivedCount[] {
  const rows = rowsTable(definition, table);
  return (table.derived ?? []).map(({ name, countOf, where }, at) => ({
    name: `derived.${name}`,
    countOf,
    sqlTable: `counts_${rows.slice(5)}_${at}`,
    counted: Object.keys(where),
    ours: Object.values(where),
  }));
}

export function keyNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `k${at}`);
}

/** Columns without affinity: keys are compared as they are, integers before texts, texts by their bytes. */
export function indexSchema(definition: MigrationDefinition): string {
  const statements = definition.tables.flatMap((table) => {
    const keys = keyNames(table.keyColumns.length).join(', ');
    return [
      `CREATE TABLE ${rowsTable(definition, table)} (${keys}, file, line, start, length, crc, PRIMARY KEY (${keys})) WITHOUT ROWID`,
      ...derivedCounts(definition, table).map(({ sqlTable, counted }) => {
        const columns = keyNames(counted.length).join(', ');
        return `CREATE TABLE ${sqlTable} (${columns}, n, PRIMARY KEY (${columns})) WITHOUT ROWID`;
      }),
    ];
  });
  return [
    'CREATE TABLE files (id INTEGER PRIMARY KEY, name, size, tag, sha256)',
    'CREATE TABLE tables (record_type PRIMARY KEY, mapping, is_absent, row_count)',
    ...statements,
  ].join(';');
}
