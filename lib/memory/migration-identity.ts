import type { MigrationIdentity } from '../migration/transfer/ports.ts';

export function makeMemoryMigrationIdentity(id: string): MigrationIdentity {
  return { id: () => Promise.resolve(id) };
}
