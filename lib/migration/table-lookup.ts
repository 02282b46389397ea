import type { Category } from './category.ts';
import type { MigrationDefinition } from './definition.ts';

export type MigratedTable = MigrationDefinition['tables'][number];

/** Throws when the definition has no such record type: a message of another migration. */
export function tableOf(definition: MigrationDefinition, recordType: string): MigratedTable {
  const table = definition.tables.find((candidate) => candidate.recordType === recordType);
  if (table === undefined) {
    throw new RangeError(`migration ${definition.name} has no record type ${recordType}`);
  }
  return table;
}

export function tablesByType(definition: MigrationDefinition): ReadonlyMap<string, MigratedTable> {
  return new Map(definition.tables.map((table) => [table.recordType, table]));
}

/** Tables of one category, in migration order. */
export function tablesOf(definition: MigrationDefinition, category: Category): readonly MigratedTable[] {
  return definition.tables.filter((table) => table.category === category);
}

/** Categories that the definition really has, in migration order. */
export function categoriesOf(definition: MigrationDefinition): readonly Category[] {
  return [...new Set(definition.tables.map((table) => table.category))];
}
