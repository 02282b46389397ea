/** Keeps everybody but the migration from writing tables, where the store can do that. */
export interface LegacyBlock {
  /** Idempotent, as is `allow`. */
  deny(tables: readonly string[]): Promise<void>;
  allow(tables: readonly string[]): Promise<void>;
}
