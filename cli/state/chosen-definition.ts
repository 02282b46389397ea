import type { MigrationDefinition } from '../../lib/migration/definition.ts';

/** The migration that this project is about. Loaded when asked for, since most commands need none. */
export async function chosenDefinition(): Promise<MigrationDefinition> {
  const { hal9Definition } = await import('../../lib/migration/hal9-definition.ts');
  return hal9Definition;
}
