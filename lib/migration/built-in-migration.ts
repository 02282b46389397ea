import type { MigrationDefinition } from './definition.ts';
import { hal9Migration } from './hal9-definition.ts';

/**
 * What `hal9-migration` means to the functions where no migration file is chosen. The CDK app bundles the chosen file
 * in its place.
 */
export const migration: MigrationDefinition = hal9Migration;
