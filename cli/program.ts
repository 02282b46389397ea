import { Command, CommanderError } from 'commander';

import { exitCodes } from '../lib/kernel/errors.ts';
import { commandFault, globalOptionsLast } from './command-line.ts';
import type { CliContext } from './command-context.ts';
import { exitCodeHelp } from './output/exit-codes.ts';
import { printData, reportFailure } from './output/terminal.ts';
import { serviceFault } from './service-faults.ts';
import { addVerbs } from './verbs.ts';

/** Runs one command line and returns its exit code; nothing in here ends the process. */
export async function runCli(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const line = globalOptionsLast(argv);
  const outcome = { code: exitCodes.ok as number };
  if (line[0] === 'help' && line[1] === 'exit-codes') {
    printData(exitCodeHelp());
    return exitCodes.ok;
  }
  try {
    const program = await buildProgram({ env, setExitCode: (code) => (outcome.code = code) }, line);
    await program.parseAsync([...line], { from: 'user' });
    return outcome.code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(serviceFault(error), isForScripts(line));
    if (error.exitCode === 0) return exitCodes.ok;
    return reportFailure(commandFault(error, line), isForScripts(line));
  }
}

async function buildProgram(context: CliContext, line: readonly string[]): Promise<Command> {
  const program = new Command('hal9-migrate')
    .description(
      'Moves a running system from a flat to a hierarchical architecture: traffic and state, no lost writes.',
    )
    .version('0.1.0')
    .showSuggestionAfterError(true)
    .addHelpText('after', `\n${exitCodeHelp()}`)
    // Every command that is added below inherits both: nothing ends the process, and faults are told in one way.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  await addVerbs(program, context, line);
  return program;
}

function isForScripts(line: readonly string[]): boolean {
  return line.includes('--json');
}
