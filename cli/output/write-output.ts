import { writeFileSync } from 'node:fs';

import { HalError } from '../../lib/kernel/errors.ts';

/** Writes a file that the operator named. Throws HalError `OutputUnwritable`. */
export function writeOutput(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content);
  } catch (cause) {
    throw outputUnwritable(path, cause);
  }
}

/** A document that is kept in a file. Throws HalError `OutputUnwritable`. */
export function writeDocument(path: string, document: unknown): void {
  writeOutput(path, `${JSON.stringify(document, null, 2)}\n`);
}

export function outputUnwritable(path: string, cause: unknown): HalError {
  return new HalError({
    name: 'OutputUnwritable',
    message: `${path} cannot be written: ${(cause as Error).message}.`,
    remedy: 'Name a file in a folder that exists and that you may write to.',
    exit: 'usage',
    facts: { path },
    cause,
  });
}

/** What is there is never overwritten. */
export function outputExists(path: string): HalError {
  return new HalError({
    name: 'OutputExists',
    message: `${path} exists already, and it is not overwritten.`,
    remedy: 'Name another place, or remove that one first.',
    exit: 'conflict',
    facts: { path },
  });
}
