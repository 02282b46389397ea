import { HalError } from '../../kernel/errors.ts';
import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';

export const learningCategory: Category = 'learning-data';

export function noLearningData({ name }: MigrationDefinition): HalError {
  return new HalError({
    name: 'NoLearningData',
    message: `The migration ${name} has no learning data.`,
    remedy: 'These commands are for HAL9; use `hal9-migrate state verify` for any other system.',
    exit: 'usage',
    facts: { definition: name },
  });
}
