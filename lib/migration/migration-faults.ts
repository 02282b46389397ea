import { definitionFaults } from './definition-faults.ts';
import { migrationSchema, tableSchema, type TableData } from './migration-schema.ts';
import { schemaFaults } from './schema-faults.ts';

/**
 * Everything that is wrong with a migration file, each fault with its path. The file is code that nobody type-checked
 * for us: it is looked at as a document.
 */
export function migrationFaults(file: unknown): readonly string[] {
  const data = withoutFunctions(file);
  const structural = schemaFaults(migrationSchema, data);
  return [...structural, ...functionFaults(file), ...definitionFaults(structureOf(data))];
}

interface LooseFile {
  readonly name?: unknown;
  readonly mappings?: readonly { readonly name?: unknown }[];
  readonly categories?: readonly LooseCategory[];
}
interface LooseCategory {
  readonly name?: unknown;
  readonly order?: unknown;
  readonly aliases?: readonly string[];
  readonly tables?: readonly LooseTable[];
}
interface LooseTable {
  readonly transform?: { readonly convert?: unknown; readonly restore?: unknown };
  readonly validators?: readonly { readonly check?: unknown }[];
}

function withoutFunctions(file: unknown): unknown {
  return mapTables(file, (table) => {
    const { transform: _transform, validators, ...data } = table;
    if (!Array.isArray(validators)) return { ...data, ...(validators === undefined ? {} : { validators }) };
    const named = (validators as readonly object[]).map((validator) => {
      const { check: _check, ...rest } = validator as { check?: unknown };
      return rest;
    });
    return { ...data, validators: named };
  });
}

function mapTables(file: unknown, change: (table: LooseTable) => unknown): unknown {
  const { categories } = asObject(file) as LooseFile;
  if (!Array.isArray(categories)) return file;
  return {
    ...(file as object),
    categories: (categories as readonly LooseCategory[]).map((category) =>
      Array.isArray(asObject(category).tables)
        ? {
            ...category,
            tables: (category.tables ?? []).map((table) => change(asObject(table) as LooseTable)),
          }
        : category,
    ),
  };
}

function functionFaults(file: unknown): readonly string[] {
  return tablesIn(file).flatMap(({ path, table }) => [
    ...(typeof table.transform?.convert === 'function'
      ? []
      : [`"${path}.transform.convert" must be a function`]),
    ...(typeof table.transform?.restore === 'function'
      ? []
      : [`"${path}.transform.restore" must be a function`]),
    ...listOf(table.validators).flatMap(({ check }, at) =>
      typeof check === 'function' ? [] : [`"${path}.validators.${at}.check" must be a function`],
    ),
  ]);
}

/** The parts that are well formed by themselves, so that what is wrong between them shows in the same message. */
function structureOf(data: unknown): Parameters<typeof definitionFaults>[0] {
  const { categories, mappings } = asObject(data) as LooseFile;
  return {
    categories: listOf(categories).flatMap(({ name, order, aliases }) =>
      typeof name === 'string' && typeof order === 'number'
        ? [{ name, order, aliases: listOf(aliases) }]
        : [],
    ),
    mappings: listOf(mappings).flatMap(({ name }) => (typeof name === 'string' ? [name] : [])),
    tables: tablesIn(data).flatMap(({ path, table, category }) =>
      schemaFaults(tableSchema, table).length === 0 ? [{ path, category, table: table as TableData }] : [],
    ),
  };
}

function tablesIn(
  file: unknown,
): readonly { readonly path: string; readonly category: string; readonly table: LooseTable }[] {
  return listOf((asObject(file) as LooseFile).categories).flatMap((category, at) =>
    listOf(category.tables).map((table, position) => ({
      path: `categories.${at}.tables.${position}`,
      category: String(category.name),
      table: asObject(table) as LooseTable,
    })),
  );
}

function asObject<Value>(value: Value): Value | Record<string, never> {
  return typeof value === 'object' && value !== null ? value : {};
}

function listOf<Value>(values: readonly Value[] | undefined): readonly Value[] {
  const known: readonly Value[] = Array.isArray(values) ? (values as readonly Value[]) : [];
  return known.map(asObjectOrText);
}

function asObjectOrText<Value>(value: Value): Value {
  return typeof value === 'string' ? value : (asObject(value) as Value);
}
