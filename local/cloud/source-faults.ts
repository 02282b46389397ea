import { HalError } from '../../lib/kernel/errors.ts';

export function belongsElsewhere(place: string, category: string): HalError {
  return new HalError({
    name: 'SourceBelongsElsewhere',
    message: `Authority over ${category} of ${place} has moved to the target of another migration.`,
    remedy: 'Start with the --data directory of that migration, or switch its authority back to flat first.',
    exit: 'conflict',
    facts: { place, category },
  });
}
