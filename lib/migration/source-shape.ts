import type { Category } from './category.ts';
import type { TableReport } from './ports.ts';

/** Which of the shapes that the definition knows a store has, and what it has no records of. */
export interface SourceShape {
  /** null where the definition knows only one shape, which has no name. */
  readonly mapping: string | null;
  readonly absentTables: readonly string[];
  /** Categories without a single table. */
  readonly emptyCategories: readonly Category[];
}

/** `categories` are those of the definition. */
export function sourceShape(
  tables: readonly Pick<TableReport, 'table' | 'category' | 'mapping' | 'absent'>[],
  categories: readonly Category[],
): SourceShape {
  const present = new Set(tables.filter(({ absent }) => absent !== true).map(({ category }) => category));
  return {
    mapping: tables[0]?.mapping ?? null,
    absentTables: tables.filter(({ absent }) => absent === true).map(({ table }) => table),
    emptyCategories: categories.filter((category) => !present.has(category)),
  };
}

/** For example `server schema, no table api_keys, nothing of configuration`; empty when there is nothing to say. */
export function describeShape({ mapping, absentTables, emptyCategories }: SourceShape): string {
  return [
    ...(mapping === null ? [] : [`${mapping} schema`]),
    ...(absentTables.length === 0 ? [] : [`no table ${absentTables.join(', ')}`]),
    ...(emptyCategories.length === 0 ? [] : [`nothing of ${emptyCategories.join(', ')}`]),
  ].join(', ');
}
