import type { MigrationDefinition } from '../../lib/migration/definition.ts';

/** The migration that this project is about. Loaded when asked for, since most commands need none. */
export async function chosenDefinition(): Promise<MigrationDefinition> {
  const { chosenMigration } = await import('../../local/cloud/deployment.ts');
  return await chosenMigration();
}
