import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type { MigratedTable } from '../../lib/migration/table-lookup.ts';

/** Names of the API's collections by record type. */
const collectionOf: Readonly<Record<string, string>> = {
  user: 'users',
  session: 'sessions',
  neuron: 'neurons',
  connection: 'connections',
  signal: 'signals',
  learning: 'learning',
  config: 'config',
  metadata: 'metadata',
};

export function tableOfCollection(
  definition: MigrationDefinition,
  collection: string,
): MigratedTable | undefined {
  return definition.tables.find((table) => collectionOf[table.recordType] === collection);
}

/** Path of one record in the API of both services. */
export function recordPath(recordType: string, id: string): string {
  return `/api/v1/${collectionOf[recordType] ?? recordType}/${encodeURIComponent(id)}`;
}
