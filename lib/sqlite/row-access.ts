import { HalError } from '../kernel/errors.ts';
import type { TableDefinition } from '../migration/definition.ts';
import type { FlatRow, FlatValue, KeyPart } from '../migration/row.ts';
import { refuseUnknownColumns } from '../migration/unknown-columns.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import type { Cells, Connection } from './connection.ts';
import { boundValue, readExact } from './exact-text.ts';
import { andWhere } from './membership.ts';
import { quoteName, type TableLayout } from './table-layout.ts';

export interface KeyedRow {
  readonly keyParts: readonly KeyPart[];
  readonly row: FlatRow;
}

export interface RowRange {
  readonly after: readonly KeyPart[] | null;
  readonly upTo: readonly KeyPart[] | null;
}

/** Rows of a range in key order, with the derived values of the definition. */
export function readRowRange(
  connection: Connection,
  layout: TableLayout,
  range: RowRange,
  limit: number,
): readonly KeyedRow[] {
  const where = rangeCondition(layout, range);
  const order = layout.keyExpressions.map((key) => `t.${key}`).join(', ');
  return selectRows(connection, layout, `${where.sql} ORDER BY ${order} LIMIT ?`, [
    ...where.parameters,
    BigInt(limit),
  ]);
}

/** The row of one key; null when there is none. `derived` adds the derived values. */
export function readRow(
  connection: Connection,
  layout: TableLayout,
  keyParts: readonly KeyPart[],
  derived: 'with-derived' | 'without-derived',
): FlatRow | null {
  const where = keyCondition(layout, keyParts);
  const [found] = selectRows(connection, layout, `WHERE ${where.sql} LIMIT 1`, where.parameters, derived);
  // SQLite finds the integer 1 for the text '1' where the column makes one of the other.
  return found !== undefined && isSameKey(found.keyParts, keyParts) ? found.row : null;
}

/** The key at the end of each `step` rows behind `after`, and whether rows follow it; null when fewer are left. */
export function readBoundary(
  connection: Connection,
  layout: TableLayout,
  after: readonly KeyPart[] | null,
  step: number,
): readonly KeyPart[] | null {
  const where = rangeCondition(layout, { after, upTo: null });
  const keys = layout.keyExpressions.map((key) => `t.${key}`);
  const rows = readExact(
    connection,
    keys,
    `FROM ${quoteName(layout.table.table)} AS t ${where.sql} ORDER BY ${keys.join(', ')} LIMIT 2 OFFSET ?`,
    [...where.parameters, BigInt(step - 1)],
  );
  const [boundary] = rows;
  return boundary === undefined || rows.length < 2 ? null : keyPartsOf(connection, layout, boundary);
}

/**
 * Puts a whole row: columns that it does not have become null (or their default, where null is not allowed).
 * `evict` removes the other rows that stand in its way by a unique value.
 * Throws HalError `UnknownColumn` and `RowConflict`.
 */
export function putRow(
  connection: Connection,
  layout: TableLayout,
  row: FlatRow,
  others: 'keep' | 'evict' = 'keep',
): void {
  const { table, keyColumns } = layout.table;
  refuseUnknownColumns(connection.path, { name: layout.table.table, columns: layout.columns }, row);
  refuseOutsider(connection, layout, rowKey(layout.table, row), 'a row with its key is no record');
  const given = layout.columns.filter(({ name, notNull }) => (row[name] ?? null) !== null || !notNull);
  const values = given.map(({ name }) => boundValue(row[name] ?? null));
  const updates = layout.columns
    .filter(({ name }) => !keyColumns.includes(name))
    .map(({ name }) => `${quoteName(name)} = excluded.${quoteName(name)}`);
  const upsert = `ON CONFLICT (${keyColumns.map(quoteName).join(', ')})
     DO ${updates.length === 0 ? 'NOTHING' : `UPDATE SET ${updates.join(', ')} WHERE ${isSameKeyAsNew(layout)}`}`;
  const changed = connection.run(
    `INSERT ${others === 'evict' ? 'OR REPLACE ' : ''}INTO ${quoteName(table)}
     (${given.map(({ name }) => quoteName(name)).join(', ')})
     VALUES (${values.map(({ sql }) => sql).join(', ')}) ${others === 'evict' ? '' : upsert}`,
    values.map(({ parameter }) => parameter),
  );
  if (changed === 0 && updates.length > 0)
    throw conflict(connection, layout, 'it has another spelling of its key');
  refuseOutsider(connection, layout, rowKey(layout.table, row), 'it would be no record');
}

/** Throws HalError `RowConflict` when there is a row with this key that the `where` of its table leaves out. */
export function refuseOutsider(
  connection: Connection,
  layout: TableLayout,
  keyParts: readonly KeyPart[],
  reason: string,
): void {
  const { where, table } = layout.table;
  if (where === undefined) return;
  const isKey = anyRowCondition(layout, keyParts);
  const found = connection.first(
    `SELECT 1 FROM ${quoteName(table)} AS t WHERE ${isKey.sql} AND (${where}\n) IS NOT TRUE LIMIT 1`,
    isKey.parameters,
  );
  if (found !== undefined) throw conflict(connection, layout, `${reason} by the where of ${table}`);
}

/** A key column that does not compare byte by byte finds rows of other keys, which must not be written over. */
function isSameKeyAsNew({ table, keyExpressions }: TableLayout): string {
  return keyExpressions
    .map((key, at) => `${quoteName(table.table)}.${key} = excluded.${quoteName(table.keyColumns[at] ?? '')}`)
    .join(' AND ');
}

/** False when there was no such row. */
export function deleteRow(
  connection: Connection,
  layout: TableLayout,
  keyParts: readonly KeyPart[],
): boolean {
  const where = keyCondition(layout, keyParts, '');
  return (
    connection.run(`DELETE FROM ${quoteName(layout.table.table)} WHERE ${where.sql}`, where.parameters) > 0
  );
}

/** Key of a row as parts. Throws TypeError when a key column holds neither text nor integer. */
export function rowKey({ table, keyColumns }: TableDefinition, row: FlatRow): readonly KeyPart[] {
  return keyColumns.map((name) => {
    const value = row[name];
    if (typeof value === 'string' || typeof value === 'bigint') return value;
    throw new TypeError(`${table}.${name} is no key part`);
  });
}

function conflict(connection: Connection, { table }: TableLayout, reason: string): HalError {
  return new HalError({
    name: 'RowConflict',
    message: `The flat store ${connection.path} refused a row of ${table.table}: ${reason}.`,
    remedy: 'Change the row so that it keeps the constraints of its table.',
    exit: 'conflict',
    facts: { path: connection.path, table: table.table },
  });
}

function isSameKey(left: readonly KeyPart[], right: readonly KeyPart[]): boolean {
  return left.length === right.length && left.every((part, at) => part === right[at]);
}

interface Condition {
  readonly sql: string;
  readonly parameters: readonly FlatValue[];
}

/** SQL that is true for the record of one key; `alias` is the table's, with its dot. */
function keyCondition(layout: TableLayout, keyParts: readonly KeyPart[], alias = 't.'): Condition {
  const { sql, parameters } = anyRowCondition(layout, keyParts, alias);
  return { sql: `${sql}${andWhere(layout.table)}`, parameters };
}

/** The same for a row that need be no record. */
function anyRowCondition(layout: TableLayout, keyParts: readonly KeyPart[], alias = 't.'): Condition {
  const parts = keyParts.map(boundValue);
  return {
    sql: layout.keyExpressions.map((key, at) => `${alias}${key} = ${parts[at]?.sql ?? 'NULL'}`).join(' AND '),
    parameters: parts.map(({ parameter }) => parameter),
  };
}

function selectRows(
  connection: Connection,
  layout: TableLayout,
  where: string,
  parameters: readonly FlatValue[],
  derived: 'with-derived' | 'without-derived' = 'with-derived',
): readonly KeyedRow[] {
  const names = layout.columns.map(({ name }) => name);
  const counts = derived === 'with-derived' ? derivedCounts(layout.table) : [];
  const cells = readExact(
    connection,
    [...names.map((name) => `t.${quoteName(name)}`), ...counts.map(({ sql }) => sql)],
    `FROM ${quoteName(layout.table.table)} AS t ${where}`,
    parameters,
  );
  const allNames = [...names, ...counts.map(({ name }) => name)];
  const keyAt = layout.table.keyColumns.map((name) => names.indexOf(name));
  return cells.map((values) => ({
    keyParts: keyPartsOf(
      connection,
      layout,
      keyAt.map((at) => values[at] ?? null),
    ),
    row: rowOf(allNames, values),
  }));
}

function rowOf(names: readonly string[], values: Cells): FlatRow {
  const row: Record<string, FlatValue> = {};
  for (const [at, name] of names.entries()) row[name] = values[at] ?? null;
  return row;
}

function derivedCounts(table: TableDefinition): readonly { readonly name: string; readonly sql: string }[] {
  return (table.derived ?? []).map(({ name, countOf, where }) => {
    const isCounted = Object.entries(where)
      .map(([theirs, ours]) => `d.${quoteName(theirs)} = t.${quoteName(ours)}`)
      .join(' AND ');
    return {
      name: `derived.${name}`,
      sql: `(SELECT count(*) FROM ${quoteName(countOf)} AS d WHERE ${isCounted})`,
    };
  });
}

function rangeCondition(layout: TableLayout, { after, upTo }: RowRange): Condition {
  const bounds = [
    ...(after === null ? [] : [{ operator: '>', parts: after.map(boundValue) }]),
    ...(upTo === null ? [] : [{ operator: '<=', parts: upTo.map(boundValue) }]),
  ];
  const key = layout.keyExpressions.map((expression) => `t.${expression}`).join(', ');
  const conditions = bounds.map(
    ({ operator, parts }) => `(${key}) ${operator} (${parts.map(({ sql }) => sql).join(', ')})`,
  );
  const isInRange = conditions.length === 0 ? 'true' : conditions.join(' AND ');
  return {
    sql: `WHERE ${isInRange}${andWhere(layout.table)}`,
    parameters: bounds.flatMap(({ parts }) => parts.map(({ parameter }) => parameter)),
  };
}

function keyPartsOf(connection: Connection, layout: TableLayout, values: Cells): readonly KeyPart[] {
  return values.map((value) => {
    if (typeof value === 'string' || typeof value === 'bigint') return value;
    const { table, keyColumns } = layout.table;
    throw sourceRejected(connection.path, [
      `table ${table} has a row whose key (${keyColumns.join(', ')}) is no text or integer`,
    ]);
  });
}
