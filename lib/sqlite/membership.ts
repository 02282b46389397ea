import type { TableDefinition } from '../migration/definition.ts';
import { quoteName } from './table-layout.ts';

/** The part of a WHERE clause that leaves out rows that are no records; nothing for a table without `where`. */
export function andWhere({ where }: Pick<TableDefinition, 'where'>): string {
  return where === undefined ? '' : ` AND (${where}\n)`;
}

/**
 * The part of a WHERE clause by which the row that the table has now under the key of `row` is a record. Read from the
 * table, since a trigger's OLD and NEW have none of the affinity of their columns; in a query of its own, in which no
 * other table has columns.
 */
export function andBelongs(table: TableDefinition, row: string): string {
  if (table.where === undefined) return '';
  const isKey = table.keyColumns.map((name) => `b.${quoteName(name)} IS ${row}.${quoteName(name)}`);
  return ` AND EXISTS (SELECT 1 FROM ${quoteName(table.table)} AS b WHERE ${isKey.join(' AND ')}${andWhere(table)})`;
}
