import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import {
  completeStatePhase,
  completionEvidence,
  requireCompletable,
} from '../../lib/orchestrator/operations/complete-phase.ts';
import { disableMigrationMode } from '../../lib/orchestrator/operations/change-mode.ts';
import type { Check } from '../../lib/orchestrator/operations/pre-check.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { openControlPlane, type CliControlPlane } from '../control-plane.ts';
import { operatorName } from '../operator.ts';
import { checkLines } from '../output/control-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { describeState } from '../state/describe-state.ts';
import { durationMs } from '../state/limits.ts';
import { parseCategories } from '../state/categories.ts';
import { validateState, validationTests } from '../state/validate-state.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type CompleteOptions = Options<{ lenient: boolean; latencyLimit: string; dryRun: boolean; yes: boolean }>;

export function addPhaseVerbs(program: Command, context: CliContext): void {
  const phase = program.command('phase').description(verbDescriptions.phase);
  addVerb(phase, context, {
    name: 'complete',
    description: 'mark a phase complete that was gone through by hand; refused unless all evidence holds',
    examples: [
      'hal9-migrate phase complete state-migration',
      'hal9-migrate phase complete state-migration --dry-run',
    ],
  })
    .argument('<phase>', 'state-migration; the others are completed by their gates')
    .option('--lenient', 'accept what is quarantined with a reason, and faults that flat always had', false)
    .option('--latency-limit <duration>', 'longest time that 19 of 20 reads may take', '100ms')
    .option('--dry-run', 'look at the evidence only', false)
    .option('--yes', 'ask nothing', false)
    .action((name: string, options: CompleteOptions) => complete(name, options, context));
}

async function complete(name: string, options: CompleteOptions, context: CliContext): Promise<void> {
  requireCompletable(name);
  const latencyLimitMs = durationMs('--latency-limit', options.latencyLimit);
  const connection = connect(options, context.env);
  const control = await openControlPlane(connection);
  const checks = await gatherEvidence(control, { ...options, latencyLimitMs });
  const isProven = checks.every(({ result }) => result !== 'fail');
  if (!isProven) context.setExitCode(exitCodes.gateFailed);
  if (!isProven || options.dryRun) {
    present({ completed: false, checks }, options);
    return;
  }
  await confirm(connection, options, 'end the migration mode and mark the phase complete');
  const clock = { nowMs: () => Date.now() };
  const by = operatorName();
  const completion = await completeStatePhase({ ...control, clock }, { by, checks });
  const { nonCriticalFeatures } = connection.deploy;
  await disableMigrationMode({ ...control, clock, nonCriticalFeatures, nonCriticalJobs: [] }, { by });
  present({ completed: true, checks, ...completion }, options);
}

async function gatherEvidence(
  control: CliControlPlane,
  options: CompleteOptions & { readonly latencyLimitMs: number },
): Promise<readonly Check[]> {
  const lines = liveLines({ quiet: options.json });
  const description = await describeState(control.invoker);
  const validation = await validateState(
    control.invoker,
    {
      categories: parseCategories([], await chosenDefinition()),
      mode: options.lenient ? 'lenient' : 'strict',
      tests: validationTests,
      latencyLimitMs: options.latencyLimitMs,
    },
    (text) => lines.update([text]),
  );
  lines.done();
  return [...(await completionEvidence(control, description)), ...validation.checks];
}

interface Outcome {
  readonly completed: boolean;
  readonly checks: readonly Check[];
  readonly phaseMoved?: boolean;
  readonly phase?: string;
}

function present(outcome: Outcome, options: CompleteOptions): void {
  const { completed, checks } = outcome;
  const missing = checks.filter(({ result }) => result === 'fail').map(({ name }) => name);
  if (options.json) {
    printDocument('PhaseCompletion', { ...outcome, missing, dryRun: options.dryRun });
    return;
  }
  for (const line of checkLines(checks)) printData(line);
  printData('');
  if (missing.length > 0) {
    printData(`state-migration is not complete; missing: ${missing.join(', ')}`);
    return;
  }
  printData(completed ? 'state-migration is complete' : 'state-migration would be complete');
  if (completed && outcome.phaseMoved !== true) {
    note(`No run waited for it: the traffic stays in phase ${outcome.phase ?? 'none'}.`);
  }
  nextStep(completed ? 'hal9-migrate status' : 'hal9-migrate phase complete state-migration');
}
