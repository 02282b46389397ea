import type { MigrationDefinition, SourceMapping } from './definition.ts';
import type { MigratedTable } from './table-lookup.ts';

/** The definition as if it had only this mapping. Throws RangeError for a name that it does not have. */
export function inMapping(definition: MigrationDefinition, name: string): MigrationDefinition {
  const mapping = definition.mappings?.find((known) => known.name === name);
  if (mapping === undefined) throw new RangeError(`migration ${definition.name} has no mapping ${name}`);
  return {
    ...definition,
    mappings: [mapping],
    tables: definition.tables.filter((table) => table.mapping === name),
  };
}

export type RecognisedMapping =
  | {
      readonly kind: 'recognised';
      /** null where the definition has only one shape, which needs no name. */
      readonly mapping: SourceMapping | null;
      readonly present: readonly MigratedTable[];
      /** Tables of the mapping that the store does not have. */
      readonly absent: readonly MigratedTable[];
    }
  | { readonly kind: 'unknown'; readonly faults: readonly string[] };

/**
 * Which shape a store has, by the tables in it: a mapping that is complete, else the only one of which there is a
 * table. A store with parts of two mappings is of neither.
 */
export function recogniseMapping(
  definition: MigrationDefinition,
  hasTable: (name: string) => boolean,
): RecognisedMapping {
  const candidates = candidatesOf(definition, hasTable);
  const complete = candidates.filter(({ absent }) => absent.length === 0);
  const begun = candidates.filter(({ present }) => present.length > 0);
  const [only, ...others] = complete.length > 0 ? complete : begun.length > 0 ? begun : candidates;
  if (only === undefined || others.length > 0)
    return { kind: 'unknown', faults: ambiguous(definition, candidates) };
  const isPartAllowed = only.mapping?.absentTables === 'empty' && only.present.length > 0;
  if (only.absent.length > 0 && !isPartAllowed)
    return { kind: 'unknown', faults: only.absent.map(({ table }) => `table ${table} is missing`) };
  return { kind: 'recognised', ...only };
}

interface Candidate {
  readonly mapping: SourceMapping | null;
  readonly present: readonly MigratedTable[];
  readonly absent: readonly MigratedTable[];
}

function candidatesOf(
  definition: MigrationDefinition,
  hasTable: (name: string) => boolean,
): readonly Candidate[] {
  return (definition.mappings ?? [null]).map((mapping) => {
    const tables = definition.tables.filter((table) => mapping === null || table.mapping === mapping.name);
    const { present = [], absent = [] } = Object.groupBy(tables, ({ table }) =>
      hasTable(table) ? 'present' : 'absent',
    );
    return { mapping, present, absent };
  });
}

function ambiguous(definition: MigrationDefinition, candidates: readonly Candidate[]): readonly string[] {
  const begun = candidates.filter(({ present }) => present.length > 0);
  if (begun.length === 0) {
    return candidates.map(
      ({ mapping, absent }) =>
        `it has no table of the ${mapping?.name ?? definition.name} schema (${listed(absent)})`,
    );
  }
  return begun.map(
    ({ mapping, present, absent }) =>
      `it has ${listed(present)} of the ${mapping?.name ?? definition.name} schema` +
      (absent.length === 0 ? '' : `, without ${listed(absent)}`),
  );
}

function listed(tables: readonly MigratedTable[]): string {
  return tables.map(({ table }) => table).join(', ');
}
