import type { Command } from 'commander';

import { withGlobalOptions, type GlobalOptions } from './options.ts';

/** What the verbs share: the environment, and where the exit code of a finished command goes. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv;
  setExitCode(code: number): void;
}

/** A verb with the global options; the action gets its own options merged with them. */
export function addVerb(
  parent: Command,
  context: CliContext,
  verb: { readonly name: string; readonly description: string; readonly examples?: readonly string[] },
): Command {
  const command = parent.command(verb.name).description(verb.description);
  withGlobalOptions(command, context.env);
  const examples = verb.examples ?? [];
  if (examples.length > 0) {
    command.addHelpText('before', `Examples:\n${examples.map((line) => `  ${line}`).join('\n')}\n`);
  }
  return command;
}

export type Options<More extends object = object> = GlobalOptions & More;
