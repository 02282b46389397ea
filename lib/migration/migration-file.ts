import type { Category } from './category.ts';
import type { ColumnDefinition, SourceMapping, TableDefinition, Transform } from './definition.ts';
import type { migrationApiVersion } from './migration-schema.ts';
import type { FlatRow } from './row.ts';

/** A rule that a row must keep to be converted. `check` answers what is wrong, or null; it never throws. */
export interface Validator {
  readonly name: string;
  check(row: FlatRow, body: unknown): string | null;
}

type ColumnInFile = Omit<ColumnDefinition, 'nullable'> & { readonly nullable?: boolean };

export interface TableInFile extends Pick<
  TableDefinition,
  'recordType' | 'table' | 'where' | 'touches' | 'derived'
> {
  /** Primary key columns in key order. */
  readonly key: readonly string[];
  /** Place among the tables of the category; parents before children. */
  readonly order: number;
  readonly columns: readonly ColumnInFile[];
  readonly transform: Transform;
  readonly validators?: readonly Validator[];
  /** The mapping that this table belongs to, where the file has mappings. */
  readonly mapping?: string;
}

/** What a migration file exports as `migration`, through `defineMigration`. */
export interface MigrationFile {
  readonly apiVersion: typeof migrationApiVersion;
  readonly name: string;
  readonly mappings?: readonly SourceMapping[];
  readonly categories: readonly {
    readonly name: Category;
    /** Place in the migration; the way back goes in the opposite direction. */
    readonly order: number;
    readonly aliases?: readonly string[];
    /** Jobs of the flat system that are paused while the category is written on both sides. */
    readonly nonCriticalJobs?: readonly string[];
    readonly tables: readonly TableInFile[];
  }[];
}
