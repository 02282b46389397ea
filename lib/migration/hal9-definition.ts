import { configuration } from './categories/configuration.ts';
import { learningData } from './categories/learning-data.ts';
import { operationalMetadata } from './categories/metadata.ts';
import { neuronStates } from './categories/neuron-states.ts';
import { serverMemories } from './categories/server-memories.ts';
import { serverNeurons } from './categories/server-neurons.ts';
import { serverOperations } from './categories/server-operations.ts';
import { serverSessions } from './categories/server-sessions.ts';
import { userSessions } from './categories/user-sessions.ts';
import type { Category } from './category.ts';
import { defineMigration } from './define-migration.ts';
import type { MigrationDefinition } from './definition.ts';
import { inMapping } from './source-mapping.ts';
import { categoriesOf } from './table-lookup.ts';
import type { LayerPolicy } from './transforms/assign-layer.ts';
import type { LevelPolicy } from './transforms/assign-level.ts';

interface Hal9Options {
  readonly serverId?: string;
  readonly levelPolicy?: LevelPolicy;
  readonly layerPolicy?: LayerPolicy;
}

/**
 * The state of one flat HAL9 server, in either of the two shapes that it may have; `docs/concepts/flat-schema.md`
 * describes their tables.
 */
export function makeHal9Migration(options: Hal9Options = {}): MigrationDefinition {
  const unit = {
    serverId: options.serverId ?? 'hal9',
    levelPolicy: options.levelPolicy ?? 'engine-v1',
    layerPolicy: options.layerPolicy ?? 'role-table',
  };
  return defineMigration({
    apiVersion: 'hal9-migrate/v1',
    name: 'hal9',
    mappings: [
      { name: 'canonical', absentTables: 'rejected' },
      { name: 'server', absentTables: 'empty' },
    ],
    categories: [
      { name: 'user-sessions', order: 1, tables: [...userSessions, ...serverSessions] },
      { name: 'neuron-states', order: 2, tables: [...neuronStates(unit), ...serverNeurons(unit)] },
      {
        name: 'learning-data',
        order: 3,
        nonCriticalJobs: ['memory-cleanup', 'pattern-analysis'],
        tables: [...learningData(unit), ...serverMemories(unit)],
      },
      { name: 'configuration', order: 4, tables: configuration },
      {
        name: 'metadata',
        order: 5,
        aliases: ['operational-metadata'],
        nonCriticalJobs: ['metrics-aggregation', 'report-generation'],
        tables: [...operationalMetadata, ...serverOperations],
      },
    ],
  });
}

export const hal9Migration: MigrationDefinition = makeHal9Migration();

/** The canonical flat schema alone. */
export function makeHal9Definition(options: Hal9Options = {}): MigrationDefinition {
  return inMapping(makeHal9Migration(options), 'canonical');
}

export const hal9Definition: MigrationDefinition = inMapping(hal9Migration, 'canonical');

/** The store of a running server alone. */
export const hal9ServerDefinition: MigrationDefinition = inMapping(hal9Migration, 'server');

/** In migration order. */
export const hal9Categories: readonly Category[] = categoriesOf(hal9Migration);
