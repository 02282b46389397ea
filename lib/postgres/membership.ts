import type { TableDefinition } from '../migration/definition.ts';

/** The part of a WHERE clause over the table alone that leaves out rows that are no records. */
export function andWhere({ where }: Pick<TableDefinition, 'where'>): string {
  return where === undefined ? '' : ` AND (${where}\n)`;
}

/** SQL of whether a row, given by its name, is a record. In a query of its own, in which nothing else has columns. */
export function belongs({ where }: Pick<TableDefinition, 'where'>, row: string): string {
  return where === undefined ? 'true' : `coalesce((SELECT (${where}\n) FROM (SELECT ${row}.*) AS r), false)`;
}

export function andBelongs(table: Pick<TableDefinition, 'where'>, row: string): string {
  return table.where === undefined ? '' : ` AND ${belongs(table, row)}`;
}
