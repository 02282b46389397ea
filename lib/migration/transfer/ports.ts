/**
 * Tells one migration from another, so that what was exported from one is not imported into the other.
 * Adapters: `lib/aws/migration-identity.ts`, `lib/memory/migration-identity.ts`; contract:
 * `test/contract/migration-identity.test.ts`.
 */
export interface MigrationIdentity {
  /** The same for as long as the stores of the migration are there; given when it is asked for first. */
  id(): Promise<string>;
}
