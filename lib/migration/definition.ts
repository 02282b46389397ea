import type { Category } from './category.ts';
import type { FlatRow } from './row.ts';

/** How one table of the flat store becomes one record type of the hierarchical store. */
export interface TableDefinition {
  readonly recordType: string;
  readonly table: string;
  readonly category: Category;
  /** The mapping that the table belongs to, where the definition has several. */
  readonly mapping?: string;
  /** Primary key columns in key order. */
  readonly keyColumns: readonly string[];
  /**
   * SQL over the columns of one row that says which rows are records; all of them without it. A row that it stops being
   * true for is deleted as a record, whatever becomes of the row.
   */
  readonly where?: string;
  /** Columns that must be there, with the storage class their values must have. Further columns are carried along. */
  readonly columns: readonly ColumnDefinition[];
  /** Foreign columns whose change must re-log another table's record, since a derived value depends on it. */
  readonly touches?: readonly { readonly table: string; readonly keyColumns: readonly string[] }[];
  /** Values computed from other tables in the same snapshot, added to the row under `name` as `derived.<name>`. */
  readonly derived?: readonly {
    readonly name: string;
    readonly countOf: string;
    readonly where: Readonly<Record<string, string>>;
  }[];
}

export interface ColumnDefinition {
  readonly name: string;
  readonly storage: 'text' | 'integer' | 'real' | 'blob' | 'any';
  readonly nullable: boolean;
  /** Only some variants of the store have it; absent counts as null. */
  readonly mayBeAbsent?: boolean;
}

/** The hierarchical side of one row. */
interface ConvertedRecord {
  /** A JSON value without numbers beyond canonical JSON (bigints are allowed). */
  readonly body: unknown;
  readonly expiresAtS?: number;
}

export type Conversion =
  | { readonly kind: 'converted'; readonly record: ConvertedRecord }
  | { readonly kind: 'rejected'; readonly errorName: string; readonly message: string };

/** A pure, invertible transform: `restore(convert(row)) == row` for every row that converts. */
export interface Transform {
  convert(row: FlatRow, context: { readonly nowMs: number }): Conversion;
  /** Takes the parsed body; throws on a body that `convert` never made. Derived values are not restored. */
  restore(body: unknown): FlatRow;
}

/** One shape of the store: the tables of the definition that name it. */
export interface SourceMapping {
  readonly name: string;
  /** Whether a store without one of its tables is refused, or has no such records. */
  readonly absentTables: 'rejected' | 'empty';
}

/** Everything the engine needs to know about one system's state. */
export interface MigrationDefinition {
  readonly name: string;
  /** Names that operators also know a category by. */
  readonly categoryAliases?: Readonly<Record<string, Category>>;
  /** Jobs of the flat system that are paused while a category is written on both sides. */
  readonly nonCriticalJobs?: Readonly<Record<Category, readonly string[]>>;
  /** Shapes that the store may have; the one that it has is recognised by its tables. One without a name when absent. */
  readonly mappings?: readonly SourceMapping[];
  /** In migration order, which is that of the categories too. */
  readonly tables: readonly (TableDefinition & { readonly transform: Transform })[];
}
