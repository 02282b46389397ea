import type { Category } from './category.ts';
import type { FlatRow } from './row.ts';

/** How one table of the flat store becomes one record type of the hierarchical store. */
export interface TableDefinition {
  readonly recordType: string;
  readonly table: string;
  readonly category: Category;
  /** Primary key columns in key order. */
  readonly keyColumns: readonly string[];
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

/** Everything the engine needs to know about one system's state. */
export interface MigrationDefinition {
  readonly name: string;
  /** Names that operators also know a category by. */
  readonly categoryAliases?: Readonly<Record<string, Category>>;
  /** In migration order, which is that of the categories too. */
  readonly tables: readonly (TableDefinition & { readonly transform: Transform })[];
}
