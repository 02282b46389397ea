import type { Command } from 'commander';

import { exitCodes, HalError } from '../../lib/kernel/errors.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { listOption } from '../options.ts';
import { checkLines } from '../output/control-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { validationSummary } from '../output/validation-views.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { replayAll } from '../state/quarantine.ts';
import { durationMs } from '../state/limits.ts';
import {
  parseValidationTests,
  validateState,
  validationTests,
  type StateValidation,
} from '../state/validate-state.ts';
import type { ValidationMode } from '../state/validation-checks.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type ValidateOptions = Options<{
  phase: string;
  category?: readonly string[];
  lenient: boolean;
  strict: boolean;
  failedOnly?: boolean;
  debug?: boolean;
  fixAndRetry?: boolean;
  tests?: readonly string[];
  latencyLimit: string;
}>;

const categoryHelp = 'category, or several by commas; all when absent';

export function addValidateVerb(program: Command, context: CliContext): void {
  withModes(
    addVerb(program, context, {
      name: 'validate',
      description: verbDescriptions.validate,
      examples: [
        'hal9-migrate validate --phase state-migration --comprehensive',
        'hal9-migrate validate --phase state-migration --lenient --json',
      ],
    }),
  )
    .option('--phase <name>', 'the phase whose result is looked at', 'state-migration')
    .option('--comprehensive', 'every check (always so; kept for scripts that say it)', false)
    .action((options: ValidateOptions) => validate(options, context));
}

export function addStateValidate(state: Command, context: CliContext): void {
  withModes(
    addVerb(state, context, {
      name: 'validate',
      description: 'schema, integrity and consistency of the state, with a reason for everything that fails',
      examples: [
        'hal9-migrate state validate --tests continuity,integrity,performance',
        'hal9-migrate state validate --failed-only --debug --suggestions',
        'hal9-migrate state validate --category user-sessions --fix-and-retry',
      ],
    }),
  )
    .option('--tests <names...>', `some of ${validationTests.join(', ')}; all when absent`, listOption)
    .option('--failed-only', 'print what did not pass, and nothing else', false)
    .option('--debug', 'name the records that integrity checks found', false)
    .option('--suggestions', 'say what to do (always so; kept for scripts that say it)', false)
    .option('--fix-and-retry', 'replay what is in quarantine first', false)
    .action((options: ValidateOptions) => validate({ ...options, phase: 'state-migration' }, context));
}

function withModes(verb: Command): Command {
  return verb
    .option('--category <names...>', categoryHelp, listOption)
    .option('--strict', 'every record verified, nothing in quarantine (the default)', false)
    .option('--lenient', 'accept what is quarantined with a reason, and faults that flat always had', false)
    .option('--latency-limit <duration>', 'longest time that 19 of 20 reads may take', '100ms');
}

async function validate(options: ValidateOptions, context: CliContext): Promise<void> {
  const mode = modeOf(options);
  const tests = parseValidationTests(options.tests ?? []);
  const latencyLimitMs = durationMs('--latency-limit', options.latencyLimit);
  const categories = parseCategories(options.category ?? [], await chosenDefinition());
  const invoker = await functionInvoker(connect(options, context.env));
  const lines = liveLines({ quiet: options.json });
  const progress = (text: string): void => lines.update([text]);
  if (options.fixAndRetry === true) {
    await replayAll(invoker, categories, ({ replayed }) => progress(`${replayed} replayed`));
  }
  const request = { categories, mode, tests, latencyLimitMs };
  const validation = await validateState(invoker, request, progress);
  lines.done();
  if (!validation.passed) context.setExitCode(exitCodes.gateFailed);
  if (options.json) printDocument('StateValidation', { phase: options.phase, ...validation });
  else present(validation, options);
}

function modeOf({ phase, strict, lenient }: ValidateOptions): ValidationMode {
  if (phase !== 'state-migration') {
    throw new HalError({
      name: 'PhaseHasNoValidation',
      message: `The phase ${phase} has no validation of its own.`,
      remedy:
        'Say --phase state-migration; the others are judged by their gates: `hal9-migrate status --detailed`.',
      exit: 'usage',
      facts: { phase },
    });
  }
  if (!strict || !lenient) return lenient ? 'lenient' : 'strict';
  throw new HalError({
    name: 'BadOptionValue',
    message: '--strict and --lenient exclude each other.',
    remedy: 'Give one of them, or none for strict.',
    exit: 'usage',
    facts: { strict, lenient },
  });
}

function present({ checks, passed, integrity, mode }: StateValidation, options: ValidateOptions): void {
  const shown = options.failedOnly === true ? checks.filter(({ result }) => result !== 'pass') : checks;
  for (const line of checkLines(shown)) printData(line);
  if (options.failedOnly !== true) {
    printData('');
    for (const line of validationSummary(checks)) printData(line);
  }
  if (options.debug === true) {
    for (const { fault, pk, detail } of integrity?.findings ?? []) note(`  ${fault}  ${pk}: ${detail}`);
  }
  note(passed ? `The state is valid (${mode}).` : `The state is not valid (${mode}).`);
  nextStep(passed ? 'hal9-migrate status' : 'hal9-migrate state quarantine list');
}
