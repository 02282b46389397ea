import type { ColumnDefinition, MigrationDefinition } from '../migration/definition.ts';
import { maxRowKeyBytes } from '../migration/key.ts';
import { recogniseMapping, type RecognisedMapping } from '../migration/source-mapping.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import { acceptableKinds } from './column-values.ts';
import type { Session } from './connection.ts';
import { andWhere } from './membership.ts';
import { quoteName } from './names.ts';
import { maxKeyColumns } from './own-names.ts';
import { isKeyIndex, type StoreLayout, type TableLayout } from './table-layout.ts';

/**
 * Layouts by record type of the tables that the store has, in the mapping that it is of.
 * Throws HalError `SourceRejected` with everything that is wrong at once.
 */
export function checkedLayouts(
  place: string,
  layout: StoreLayout,
  definition: MigrationDefinition,
): ReadonlyMap<string, TableLayout> {
  const { present } = recognisedTables(place, layout, definition);
  const layouts = present.flatMap(({ recordType }): (readonly [string, TableLayout])[] => {
    const found = layout.layouts.get(recordType) ?? null;
    return found === null ? [] : [[recordType, found]];
  });
  const faults = layouts.flatMap(([, found]) => layoutFaults(found));
  if (faults.length > 0) throw sourceRejected(place, faults);
  return new Map(layouts);
}

/** Which mapping the store is of. Throws HalError `SourceRejected` when it is of none. */
export function recognisedTables(
  place: string,
  { layouts }: StoreLayout,
  definition: MigrationDefinition,
): Extract<RecognisedMapping, { readonly kind: 'recognised' }> {
  const names = new Set([...layouts.values()].map((layout) => layout?.table.table));
  const recognised = recogniseMapping(definition, (name) => names.has(name));
  if (recognised.kind === 'recognised') return recognised;
  const further = [...layouts.values()].flatMap((layout) => (layout === null ? [] : layoutFaults(layout)));
  throw sourceRejected(place, [...recognised.faults, ...further]);
}

/** Length of a key in bytes, where two characters that are escaped count three times. */
export function keyLength(columns: readonly string[], row: string): string {
  return columns
    .map((name) => `octet_length(replace(replace(${row}.${quoteName(name)}::text, '%', '%25'), '|', '%7C'))`)
    .join(' + ');
}

/** Rows whose key no store of the target has room for. */
export async function keyFaults(session: Session, layout: TableLayout): Promise<readonly string[]> {
  const { table, keyColumns } = layout.table;
  const found = await session.first(
    `SELECT count(*) FROM ${layout.from} AS t WHERE ${keyLength(keyColumns, 't')} > ${maxRowKeyBytes}${andWhere(layout.table)}`,
  );
  const count = found?.[0] ?? '0';
  if (count === '0') return [];
  return [
    `table ${table} has ${count} rows whose key (${keyColumns.join(', ')}) is longer than ${maxRowKeyBytes} bytes`,
  ];
}

function layoutFaults(layout: TableLayout): readonly string[] {
  const { table, columns, keyColumns } = layout.table;
  if (!layout.ordinary)
    return [`${table} is a view, a part of another table, or has children, and no ordinary table`];
  return [
    ...columns.flatMap((column) => columnFaults(layout, column)),
    ...keyColumns.flatMap((name) => keyColumnFaults(layout, name)),
    ...keyFaultsOfSchema(layout),
    ...layout.columns
      .filter(({ name }) => name.startsWith('derived.') || name === '__proto__')
      .map(({ name }) => `column ${table}.${name} has a reserved name`),
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
  if (acceptableKinds[column.storage].includes(stored.kind)) return [];
  return [`column ${table}.${column.name} is ${stored.type} where ${column.storage} belongs`];
}

const keyTypes =
  /^(text|character varying(\(\d+\))?|uuid|smallint|integer|bigint|timestamp(\([0-6]\))? with(out)? time zone)$/;

function keyColumnFaults(layout: TableLayout, name: string): readonly string[] {
  const { table } = layout.table;
  const stored = layout.columns.find((column) => column.name === name);
  if (stored === undefined) return [`column ${table}.${name} is missing or generated`];
  return [
    ...(keyTypes.test(stored.type)
      ? []
      : [`key column ${table}.${name} is ${stored.type}, not text, uuid, integer or timestamp`]),
    ...(stored.notNull ? [] : [`key column ${table}.${name} may be NULL`]),
    ...(stored.exact
      ? []
      : [`key column ${table}.${name} has a collation that takes different texts for equal`]),
  ];
}

/**
 * Writers of one key wait for each other only at an index that is checked at once: the sequences of a key follow its
 * commits for that reason.
 */
function keyFaultsOfSchema({ table, uniqueIndexes }: TableLayout): readonly string[] {
  const { keyColumns } = table;
  const indexes = uniqueIndexes.filter((index) => isKeyIndex(index, keyColumns));
  const names = keyColumns.join(', ');
  if (indexes.length === 0) return [`table ${table.table} has no primary key or unique index on (${names})`];
  if (indexes.some(({ immediate }) => immediate)) return [];
  return [`the primary key of ${table.table} on (${names}) is deferrable`];
}
