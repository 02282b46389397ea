import { HalError } from '../kernel/errors.ts';
import type { Category } from './category.ts';
import type { Conversion, MigrationDefinition, Transform } from './definition.ts';
import { migrationFaults } from './migration-faults.ts';
import type { MigrationFile, TableInFile, Validator } from './migration-file.ts';
import type { MigratedTable } from './table-lookup.ts';

/** Checks a migration file and orders it. Throws a HalError `MigrationInvalid` that lists every fault with its path. */
export function defineMigration(file: MigrationFile): MigrationDefinition {
  const faults = migrationFaults(file);
  if (faults.length > 0) throw migrationInvalid(faults, nameOf(file));
  const categories = file.categories.toSorted((left, right) => left.order - right.order);
  const aliases = categories.flatMap(({ name, aliases: others }) =>
    (others ?? []).map((alias) => [alias, name] as const),
  );
  const jobs = categories.flatMap(({ name, nonCriticalJobs }) =>
    nonCriticalJobs === undefined ? [] : [[name, nonCriticalJobs] as const],
  );
  return {
    name: file.name,
    ...(aliases.length === 0 ? {} : { categoryAliases: Object.fromEntries(aliases) }),
    ...(jobs.length === 0 ? {} : { nonCriticalJobs: Object.fromEntries(jobs) }),
    ...(file.mappings === undefined ? {} : { mappings: file.mappings }),
    tables: categories.flatMap(({ name, tables }) =>
      tables.toSorted((left, right) => left.order - right.order).map((table) => migratedTable(table, name)),
    ),
  };
}

function migratedTable(table: TableInFile, category: Category): MigratedTable {
  const { key, order: _order, columns, validators = [], transform, ...rest } = table;
  return {
    ...rest,
    category,
    keyColumns: key,
    columns: columns.map((column) => ({ ...column, nullable: column.nullable ?? false })),
    transform: validators.length === 0 ? transform : validated(transform, validators),
  };
}

/** The first rule that is broken names the reason in the quarantine. */
function validated(transform: Transform, validators: readonly Validator[]): Transform {
  return {
    restore: (body) => transform.restore(body),
    convert(row, context): Conversion {
      const conversion = transform.convert(row, context);
      if (conversion.kind === 'rejected') return conversion;
      for (const validator of validators) {
        const fault = validator.check(row, conversion.record.body);
        if (fault !== null)
          return { kind: 'rejected', errorName: 'ValidationFailed', message: `${validator.name}: ${fault}` };
      }
      return conversion;
    },
  };
}

function nameOf(file: unknown): string {
  const { name } = (file ?? {}) as { readonly name?: unknown };
  return typeof name === 'string' ? `The migration ${name}` : 'The migration';
}

function migrationInvalid(faults: readonly string[], subject: string): HalError {
  return new HalError({
    name: 'MigrationInvalid',
    message: `${subject} is not valid: ${faults.join('; ')}.`,
    remedy: 'Correct the migration file; docs/concepts/own-definitions.md describes every member.',
    exit: 'usage',
    facts: { faults },
  });
}
