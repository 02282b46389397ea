import type { Command } from 'commander';

import { exitCodes, HalError } from '../../lib/kernel/errors.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { excludes, listOption } from '../options.ts';
import { checkLines } from '../output/control-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { validationSummary } from '../output/validation-views.ts';
import { promise } from '../promised-option.ts';
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
  const verb = withModes(
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
    .action((options: ValidateOptions) => validate(options, context));
  promise(verb, { '--comprehensive': 'every check is made' });
}

export function addStateValidate(state: Command, context: CliContext): void {
  const verb = withModes(
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
    .option('--fix-and-retry', 'replay what is in quarantine first', false)
    .action((options: ValidateOptions) => validate({ ...options, phase: 'state-migration' }, context));
  promise(verb, { '--suggestions': 'what failed says what to do about it' });
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
  const checks = shownChecks(validation, options);
  if (options.json) printDocument('StateValidation', { phase: options.phase, ...validation, checks });
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
  throw excludes('--strict', '--lenient');
}

function shownChecks(
  { checks }: Pick<StateValidation, 'checks'>,
  { failedOnly }: ValidateOptions,
): StateValidation['checks'] {
  return failedOnly === true ? checks.filter(({ result }) => result !== 'pass') : checks;
}

function present({ checks, passed, integrity, mode }: StateValidation, options: ValidateOptions): void {
  for (const line of checkLines(shownChecks({ checks }, options))) printData(line);
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
