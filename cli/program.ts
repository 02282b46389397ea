import { Command, CommanderError } from 'commander';

import { exitCodes } from '../lib/kernel/errors.ts';
import type { CliContext } from './command-context.ts';
import { addFeatureVerbs } from './commands/feature.ts';
import { addGenerateVerb } from './commands/generate.ts';
import { addLocalVerbs } from './commands/local.ts';
import { addMigrateVerb } from './commands/migrate.ts';
import { addPreCheckVerb } from './commands/pre-check.ts';
import { addRollbackVerb } from './commands/rollback.ts';
import { addStateVerbs } from './commands/state.ts';
import { addStatusVerb } from './commands/status.ts';
import { addTrafficVerb } from './commands/traffic.ts';
import { addVerifyVerb } from './commands/verify.ts';
import { exitCodeHelp } from './output/exit-codes.ts';
import { reportFailure } from './output/terminal.ts';

/** Runs one command line and returns its exit code; nothing in here ends the process. */
export async function runCli(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const outcome = { code: exitCodes.ok as number };
  const program = buildProgram({ env, setExitCode: (code) => (outcome.code = code) });
  if (argv[0] === 'help' && argv[1] === 'exit-codes') {
    process.stdout.write(`${exitCodeHelp()}\n`);
    return exitCodes.ok;
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return outcome.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return reportFailure(error, argv.includes('--json'));
  }
}

function buildProgram(context: CliContext): Command {
  const program = new Command('hal9-migrate')
    .description(
      'Moves a running system from a flat to a hierarchical architecture: traffic and state, no lost writes.',
    )
    .version('0.1.0')
    .showSuggestionAfterError(true)
    .configureOutput({ writeErr: (text) => process.stderr.write(text) })
    .addHelpText('after', `\n${exitCodeHelp()}`);
  addLocalVerbs(program, context);
  addGenerateVerb(program, context);
  addPreCheckVerb(program, context);
  addStatusVerb(program, context);
  addMigrateVerb(program, context);
  addRollbackVerb(program, context);
  addTrafficVerb(program, context);
  addFeatureVerbs(program, context);
  addStateVerbs(program, context);
  addVerifyVerb(program, context);
  overrideExit(program);
  return program;
}

/** commander would end the process itself; every command has to be told, also the nested ones. */
function overrideExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExit(child);
}
