import { HalError } from '../kernel/errors.ts';

/** What cannot be done with a flat store that is only read. */
export function sourceOffline(what: string, facts: Readonly<Record<string, unknown>>): HalError {
  return new HalError({
    name: 'SourceOffline',
    message: `${what}: the flat store is files, which are only read.`,
    remedy:
      'Write through the state gateway once the hierarchical side has authority. To be able to go back, migrate from a live store.',
    exit: 'conflict',
    facts,
  });
}
