import { Command, CommanderError } from 'commander';

import { exitCodes } from '../lib/kernel/errors.ts';
import { exitCodeHelp } from './output/exit-codes.ts';
import { reportFailure } from './output/terminal.ts';

/** Runs one command line and returns its exit code; nothing in here ends the process. */
export async function runCli(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const outcome = { code: exitCodes.ok as number };
  const program = buildProgram(env, outcome);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return outcome.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return reportFailure(error, argv.includes('--json'));
  }
}

function buildProgram(_env: NodeJS.ProcessEnv, _outcome: { code: number }): Command {
  const program = new Command('hal9-migrate')
    .description(
      'Moves a running system from a flat to a hierarchical architecture: traffic and state, no lost writes.',
    )
    .version('0.1.0')
    .exitOverride()
    .showSuggestionAfterError(true)
    .addHelpText('after', `\n${exitCodeHelp()}`);
  return program;
}
