import { HalError } from '../kernel/errors.ts';

/** A flat store that cannot be migrated as it is, with everything that is wrong with it; `place` names the store. */
export function sourceRejected(place: string, faults: readonly string[]): HalError {
  return new HalError({
    name: 'SourceRejected',
    message: `The flat store ${place} cannot be migrated: ${faults.join('; ')}.`,
    remedy: 'Bring the store to the schema of docs/concepts/flat-schema.md, then run the command again.',
    exit: 'sourceRejected',
    facts: { place, faults },
  });
}
