import { HalError } from '../kernel/errors.ts';

/** Files that are not those that the migration began with; `what` says which. */
export function sourceChanged(place: string, what: readonly string[]): HalError {
  return new HalError({
    name: 'SourceChanged',
    message: `The files of the flat store ${place} changed since they were first read: ${what.join('; ')}.`,
    remedy:
      'Put back the files as they were and repeat the command. To migrate the new ones, begin with a target of its own.',
    exit: 'sourceRejected',
    facts: { place, changed: what },
  });
}

export function sourceMissing(place: string, reason: string): HalError {
  return new HalError({
    name: 'SourceMissing',
    message: `There are no source files at ${place}: ${reason}.`,
    remedy: 'Name a .jsonl file, a folder with .jsonl files, or s3://bucket/prefix/ with such objects.',
    exit: 'sourceRejected',
    facts: { place },
  });
}

export function sourceUnreadable(place: string, reason: string, cause: unknown): HalError {
  return new HalError({
    name: 'SourceUnreadable',
    message: `${place} cannot be read: ${reason}.`,
    remedy: 'Check the right to read it, and for objects the network and the credentials.',
    exit: 'unavailable',
    facts: { place },
    cause,
  });
}
