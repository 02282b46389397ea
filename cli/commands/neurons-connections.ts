import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { CheckConnectionsAnswer } from '../../lib/migration/neurons/check-connections.ts';
import type { SignalTestAnswer } from '../../lib/migration/neurons/test-signals.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { newRunId } from '../new-run-id.ts';
import { wholeNumber } from '../options.ts';
import { liveLines } from '../output/live-lines.ts';
import { differenceLines, edgeLines, findingLines, rateLine } from '../output/neuron-views.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { promise } from '../promised-option.ts';
import { examineNeurons } from '../state/neurons.ts';

type ValidateOptions = Options<{ deep: boolean; fixOrphaned: boolean; dryRun: boolean }>;

export function addConnectionVerbs(neurons: Command, context: CliContext): void {
  addVerb(neurons, context, {
    name: 'validate-connections',
    description: 'check that every connection has both its ends; takes out those that have not',
    examples: [
      'hal9-migrate neurons validate-connections --deep --fix-orphaned',
      'hal9-migrate neurons validate-connections --fix-orphaned --dry-run',
    ],
  })
    .option('--deep', 'in both systems, with hashes computed again; flat alone when absent', false)
    .option(
      '--fix-orphaned',
      'delete connections without an end where authority is; their rows stay in quarantine',
      false,
    )
    .option('--dry-run', 'report what would be fixed, and change nothing', false)
    .action((options: ValidateOptions) => validate(options, context));
  addTestSignals(neurons, context);
}

type Checked = Extract<CheckConnectionsAnswer, { done: true }>;

async function validate(options: ValidateOptions, context: CliContext): Promise<void> {
  const invoker = await functionInvoker(connect(options, context.env));
  const isFixing = options.fixOrphaned && !options.dryRun;
  const lines = liveLines({ quiet: options.json });
  const startedAtMs = performance.now();
  const checked = await examineNeurons<CheckConnectionsAnswer>(
    invoker,
    { action: 'connections', deep: options.deep, fixId: isFixing ? newRunId('fix') : null },
    ({ survey: { looked, total } }) =>
      lines.update([rateLine('connections', looked.edges, total.edges, performance.now() - startedAtMs)]),
  );
  lines.done();
  const left = faultsLeft(checked, isFixing);
  if (left > 0) context.setExitCode(exitCodes.gateFailed);
  const { survey, orphans } = checked;
  if (options.json) {
    printDocument('ConnectionValidation', {
      deep: options.deep,
      fixed: isFixing,
      edges: survey.edgeKinds,
      orphans,
      findings: survey.findings,
    });
    return;
  }
  present(checked, options, left);
}

/** Orphans that were taken out, or found their end, are no fault any more. */
function faultsLeft({ survey, orphans }: Checked, isFixing: boolean): number {
  const { orphaned, misnamed, unverified } = survey.edgeKinds;
  return (isFixing ? orphans.left : orphaned) + misnamed + unverified;
}

function present({ survey, orphans }: Checked, { fixOrphaned, dryRun }: ValidateOptions, left: number): void {
  for (const line of edgeLines(survey)) printData(line);
  if (fixOrphaned && dryRun) printData(`would take ${count(survey.edgeKinds.orphaned)} connections out`);
  if (orphans['set-aside'] > 0)
    note(`${count(orphans['set-aside'])} were taken out; their rows are in quarantine.`);
  if (orphans.left > 0)
    note(`${count(orphans.left)} were left: they were being written, or authority was moving.`);
  if (left === 0) {
    note('No connection dangles.');
    nextStep('hal9-migrate neurons test-signals --samples 1000 --verify-paths');
    return;
  }
  for (const line of findingLines(survey, 10)) note(line);
  nextStep(
    survey.edgeKinds.orphaned > 0 && orphans['set-aside'] === 0
      ? 'hal9-migrate neurons validate-connections --deep --fix-orphaned'
      : 'hal9-migrate state verify --category neuron-states',
  );
}

function addTestSignals(neurons: Command, context: CliContext): void {
  const verb = addVerb(neurons, context, {
    name: 'test-signals',
    description: 'follow signals from sampled neurons in both systems and compare their paths',
    examples: ['hal9-migrate neurons test-signals --samples 1000 --verify-paths'],
  })
    .option('--samples <n>', 'neurons to start from, spread over the store', '1000')
    .action(async (options: Options<{ samples: string }>) => {
      const samples = wholeNumber('--samples', options.samples, 1, 10_000);
      const invoker = await functionInvoker(connect(options, context.env));
      const lines = liveLines({ quiet: options.json });
      const startedAtMs = performance.now();
      const { result } = await examineNeurons<SignalTestAnswer>(
        invoker,
        { action: 'signals', samples },
        (answer) => {
          const { walked, samples: planned } = answer.result;
          lines.update([rateLine('signals', walked, planned, performance.now() - startedAtMs)]);
        },
      );
      lines.done();
      if (result.differing > 0) context.setExitCode(exitCodes.gateFailed);
      if (options.json) {
        printDocument('SignalTest', { ...result });
        return;
      }
      printData(
        `${count(result.walked - result.differing)} of ${count(result.walked)} signals took the same path in both systems, over ${count(result.hops)} hops`,
      );
      for (const line of differenceLines(result.differences, 5)) note(line);
      nextStep(
        result.differing === 0
          ? 'hal9-migrate state migrate --category learning-data'
          : 'hal9-migrate neurons validate-connections --deep',
      );
    });
  promise(verb, { '--verify-paths': 'every hop is compared, with its edge and weight' });
}
