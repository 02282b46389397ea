import { configuration } from './categories/configuration.ts';
import { learningData } from './categories/learning-data.ts';
import { operationalMetadata } from './categories/metadata.ts';
import { neuronStates } from './categories/neuron-states.ts';
import { userSessions } from './categories/user-sessions.ts';
import type { Category } from './category.ts';
import type { MigrationDefinition } from './definition.ts';
import { categoriesOf } from './table-lookup.ts';
import type { LevelPolicy } from './transforms/assign-level.ts';

/** The state of one flat HAL9 server; `docs/concepts/flat-schema.md` describes its tables. */
export function makeHal9Definition(
  options: { readonly serverId?: string; readonly levelPolicy?: LevelPolicy } = {},
): MigrationDefinition {
  const unit = { serverId: options.serverId ?? 'hal9', levelPolicy: options.levelPolicy ?? 'engine-v1' };
  return {
    name: 'hal9',
    categoryAliases: { 'operational-metadata': 'metadata' },
    tables: [
      ...userSessions,
      ...neuronStates(unit),
      ...learningData(unit),
      ...configuration,
      ...operationalMetadata,
    ],
  };
}

export const hal9Definition: MigrationDefinition = makeHal9Definition();

/** In migration order. */
export const hal9Categories: readonly Category[] = categoriesOf(hal9Definition);
