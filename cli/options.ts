import { HalError } from '../lib/kernel/errors.ts';

import type { Command } from 'commander';

/** Options that every command knows, wherever they stand on the line. */
export interface GlobalOptions {
  readonly json: boolean;
  /** Data directory of the local cloud to talk to. */
  readonly data: string;
  /** The account that the AWS credentials lead to, instead of the local cloud. */
  readonly aws: boolean;
}

const defaultData = '.hal9/local';

/** Adds the global options to a command; each command has them, so they may follow the verb. */
export function withGlobalOptions(command: Command, env: NodeJS.ProcessEnv): Command {
  return command
    .option('--json', 'print one JSON document on stdout and nothing else there', false)
    .option('--data <dir>', 'data directory of the local cloud', env['HAL9_DATA'] ?? defaultData)
    .option('--aws', 'talk to the AWS account of the current credentials, not to the local cloud', false);
}

/** Accepts `a b`, `a,b` and repeated options alike. */
export function listOption(value: string, previous: readonly string[] | undefined): readonly string[] {
  const parts = value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return [...(previous ?? []), ...parts];
}

/** A value that an option cannot have. */
export function badValue(option: string, given: string, expected: string): HalError {
  return new HalError({
    name: 'BadOptionValue',
    message: `${option} cannot be "${given}": it is not ${expected}.`,
    remedy: `Give ${expected}.`,
    exit: 'usage',
    facts: { option, given },
  });
}

/** Two options that may not stand together. */
export function excludes(option: string, other: string): HalError {
  return new HalError({
    name: 'OptionsConflict',
    message: `${option} and ${other} exclude each other.`,
    remedy: 'Give one of them.',
    exit: 'usage',
    facts: { option, other },
  });
}

/** An option that means nothing without another one. */
export function needs(option: string, other: string): HalError {
  return new HalError({
    name: 'OptionsConflict',
    message: `${option} means nothing without ${other}.`,
    remedy: `Add ${other}, or leave ${option} out.`,
    exit: 'usage',
    facts: { option, other },
  });
}

/** Reads a whole number. Throws a HalError `BadOptionValue`. */
export function wholeNumber(
  option: string,
  given: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const value = Number(given);
  if (/^\d+$/.test(given.trim()) && value >= least && value <= most) return value;
  const end = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw badValue(option, given, `a whole number ${end}`);
}

/** Reads a number that may be broken. Throws a HalError `BadOptionValue`. */
export function positiveNumber(option: string, given: string): number {
  const value = Number(given);
  if (given.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw badValue(option, given, 'a number above 0');
}

/** Reads one of a few names. Throws a HalError `BadOptionValue`. */
export function oneOf<Name extends string>(option: string, given: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === given.trim().toLowerCase());
  if (found !== undefined) return found;
  throw badValue(option, given, `one of ${known.join(', ')}`);
}
