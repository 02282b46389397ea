import type { CommanderError } from 'commander';

import { HalError } from '../lib/kernel/errors.ts';
import { verbDescriptions } from './verb-descriptions.ts';

/** Global options that take no value, and those that take one. */
const switches = ['--json', '--aws'];
const settings = ['--data'];

/** Options that every verb knows may also stand before it; they are moved behind it. */
export function globalOptionsLast(argv: readonly string[]): readonly string[] {
  const [first = '', ...rest] = argv;
  const length = switches.includes(first) || isAssigned(first) ? 1 : settings.includes(first) ? 2 : 0;
  if (length === 0 || rest.length < length) return argv;
  return [...globalOptionsLast(argv.slice(length)), ...argv.slice(0, length)];
}

function isAssigned(word: string): boolean {
  return settings.some((name) => word.startsWith(`${name}=`));
}

/** What was wrong with a command line, in the words of every other fault. */
export function commandFault(error: CommanderError, line: readonly string[]): HalError {
  const verb = line.find((word) => Object.hasOwn(verbDescriptions, word));
  const command = verb === undefined ? 'hal9-migrate' : `hal9-migrate ${verb}`;
  return new HalError({
    name: 'CommandInvalid',
    message: error.code === 'commander.help' ? `${command} needs a command.` : asSentence(error.message),
    remedy: `See \`${command} --help\`.`,
    exit: 'usage',
    facts: { given: line },
  });
}

/** `error: unknown option '--jsn'\n(Did you mean --json?)` → `Unknown option '--jsn'. Did you mean --json?` */
function asSentence(message: string): string {
  const [fault = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const sentence = `${fault.charAt(0).toUpperCase()}${fault.slice(1).replace(/\.$/, '')}.`;
  return suggestion === undefined ? sentence : `${sentence} ${suggestion.replaceAll(/^\(|\)$/g, '')}`;
}
