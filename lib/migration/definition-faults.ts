import type { TableData } from './migration-schema.ts';

interface PlacedTable {
  /** For example `categories.0.tables.1`. */
  readonly path: string;
  readonly table: TableData;
  readonly category: string;
}

interface Structure {
  readonly categories: readonly {
    readonly name: string;
    readonly order: number;
    readonly aliases?: readonly string[] | undefined;
  }[];
  readonly mappings: readonly string[];
  readonly tables: readonly PlacedTable[];
}

/** What is wrong between the parts of a definition whose parts are each well formed. */
export function definitionFaults(structure: Structure): readonly string[] {
  const { categories, tables, mappings } = structure;
  return [
    ...repeated(
      'categories',
      'name',
      categories.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]),
    ),
    ...repeated(
      'categories',
      'order',
      categories.map(({ order }) => order),
    ),
    ...repeated('mappings', 'name', mappings),
    ...repeated(
      'tables',
      'recordType',
      tables.map(({ table }) => table.recordType),
    ),
    ...repeated(
      'tables',
      'table',
      tables.map(({ table }) => table.table),
    ),
    ...[...Map.groupBy(tables, ({ category }) => category)].flatMap(([category, own]) =>
      repeated(
        `tables of ${category}`,
        'order',
        own.map(({ table }) => `${table.mapping ?? ''}${table.order}`),
      ),
    ),
    ...tables.flatMap((placed) => tableFaults(placed, structure)),
  ];
}

function tableFaults(placed: PlacedTable, structure: Structure): readonly string[] {
  return [
    ...keyFaults(placed),
    ...mappingFaults(placed, structure),
    ...referenceFaults(placed, structure),
    ...queryFaults(placed),
  ];
}

function keyFaults({ path, table }: PlacedTable): readonly string[] {
  const columns = new Map(table.columns.map((column) => [column.name, column]));
  return [
    ...repeated(
      `"${path}.columns"`,
      'name',
      table.columns.map(({ name }) => name),
    ),
    ...repeated(`"${path}.key"`, 'column', table.key),
    ...table.key.flatMap((name, at) => {
      const column = columns.get(name);
      const place = `"${path}.key.${at}"`;
      if (column === undefined) return [`${place} names ${name}, which is not among the columns`];
      if (!['text', 'integer', 'any'].includes(column.storage))
        return [`${place} names ${name}, which is ${column.storage}: a key is made of texts and integers`];
      const canBeMissing = column.nullable === true || column.mayBeAbsent === true;
      return canBeMissing ? [`${place} names ${name}, which may have no value`] : [];
    }),
  ];
}

function mappingFaults({ path, table }: PlacedTable, { mappings }: Structure): readonly string[] {
  const { mapping } = table;
  const place = `"${path}.mapping"`;
  if (mapping === undefined)
    return mappings.length === 0 ? [] : [`${place} must be one of ${mappings.join(', ')}`];
  return mappings.includes(mapping) ? [] : [`${place} names ${mapping}, which is no mapping of this file`];
}

/** Records that depend on another table are written in one transaction with it: it must be of the same category. */
function referenceFaults({ path, table, category }: PlacedTable, { tables }: Structure): readonly string[] {
  const own = new Set(
    tables.filter((other) => other.category === category).map((other) => other.table.table),
  );
  return [
    ...(table.touches ?? []).flatMap(({ table: touched }, at) =>
      own.has(touched)
        ? []
        : [`"${path}.touches.${at}.table" names ${touched}, which is no table of ${category}`],
    ),
    ...(table.derived ?? []).flatMap(({ countOf }, at) =>
      own.has(countOf)
        ? []
        : [`"${path}.derived.${at}.countOf" names ${countOf}, which is no table of ${category}`],
    ),
  ];
}

/** Every row of a table counts for the records that it touches, whether it is a record itself or not. */
function queryFaults({ path, table: { where, touches = [] } }: PlacedTable): readonly string[] {
  return where === undefined || touches.length === 0
    ? []
    : [`"${path}.where" cannot stand beside "touches": the other table counts every row`];
}

function repeated(place: string, member: string, values: readonly (string | number)[]): readonly string[] {
  const twice = [...new Set(values.filter((value, at) => values.indexOf(value) !== at))];
  return twice.map((value) => `${place} have the same ${member} twice: ${value}`);
}
