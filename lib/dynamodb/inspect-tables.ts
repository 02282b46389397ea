import type { ColumnDefinition } from '../migration/definition.ts';
import { recogniseMapping, type RecognisedMapping } from '../migration/source-mapping.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import type { FlatStore } from './flat-store.ts';
import type { KeyAttribute, TableLayout } from './table-layout.ts';

type Layouts = ReadonlyMap<string, TableLayout | null>;
type Recognised = Extract<RecognisedMapping, { readonly kind: 'recognised' }>;

/** Which mapping the store is of. Throws HalError `SourceRejected` when it is of none. */
export function recognisedTables(store: FlatStore, layouts: Layouts): Recognised {
  const names = new Set([...layouts.values()].map((layout) => layout?.table.table));
  const recognised = recogniseMapping(store.definition, (name) => names.has(name));
  if (recognised.kind === 'recognised') return recognised;
  throw sourceRejected(store.place, [...recognised.faults, ...faultsOf([...layouts.values()])]);
}

/** Layouts of the tables that are migrated. Throws HalError `SourceRejected` with everything that is wrong. */
export function checkedLayouts(store: FlatStore, layouts: Layouts): readonly TableLayout[] {
  const { present } = recognisedTables(store, layouts);
  const ours = present.map(({ recordType }) => layouts.get(recordType) ?? null);
  const faults = faultsOf(ours);
  if (faults.length > 0) throw sourceRejected(store.place, faults);
  return ours.filter((layout) => layout !== null);
}

function faultsOf(layouts: readonly (TableLayout | null)[]): readonly string[] {
  return layouts.flatMap((layout) => (layout === null ? [] : layoutFaults(layout)));
}

function layoutFaults({ table, name, key }: TableLayout): readonly string[] {
  const { keyColumns, columns } = table;
  const wanted = keyColumns.join(', ');
  const present = key.map((attribute) => attribute.name).join(', ');
  return [
    ...(keyColumns.length > 2
      ? [`the key of ${table.table} has ${keyColumns.length} columns (${wanted}), of DynamoDB at most two`]
      : present === wanted
        ? []
        : [`table ${name} has the key (${present}) where (${wanted}) belongs`]),
    ...key.flatMap((attribute) => keyTypeFaults(name, attribute, columns)),
    // A count over another table is a query that DynamoDB does not have.
    ...(table.derived ?? []).map(
      ({ name: derived }) => `${table.table} has the derived value ${derived}, which DynamoDB cannot count`,
    ),
  ];
}

function keyTypeFaults(
  table: string,
  { name, type }: KeyAttribute,
  columns: readonly ColumnDefinition[],
): readonly string[] {
  const storage = columns.find((column) => column.name === name)?.storage ?? 'any';
  const fitting = { text: 'S', integer: 'N', any: type === 'B' ? '' : type, real: '', blob: '' }[storage];
  return fitting === type
    ? []
    : [`key attribute ${table}.${name} is of type ${type} where ${storage} belongs`];
}
