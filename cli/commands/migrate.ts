import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';

import { exitCodes, HalError } from '../../lib/kernel/errors.ts';
import { parsePercent } from '../../lib/kernel/percent.ts';
import { previewMigration } from '../../lib/orchestrator/operations/preview-migration.ts';
import { resumeMigration, startMigration } from '../../lib/orchestrator/operations/start-migration.ts';
import { parsePhase, type PlanStep } from '../../lib/orchestrator/plan.ts';
import { profileNamed } from '../../lib/orchestrator/profiles.ts';
import { isActive, type RunRecord } from '../../lib/orchestrator/run.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { openControlPlane, type CliControlPlane } from '../control-plane.ts';
import { newRunId } from '../new-run-id.ts';
import { operatorName } from '../operator.ts';
import { positiveNumber } from '../options.ts';
import { gateLines, phaseRail, runText } from '../output/control-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { duration, percentOfThousandths } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type MigrateOptions = Options<{
  phase?: string;
  percentage?: string;
  profile?: string;
  resume: boolean;
  dryRun: boolean;
  yes: boolean;
  wait: boolean;
  timeout?: string;
}>;

const lookEveryMs = 300;

export function addMigrateVerb(program: Command, context: CliContext): void {
  addVerb(program, context, {
    name: 'migrate',
    description: verbDescriptions.migrate,
    examples: [
      'hal9-migrate migrate --phase shadow',
      'hal9-migrate migrate --phase canary --percentage 5',
      'hal9-migrate migrate',
    ],
  })
    .option(
      '-p, --phase <name>',
      'shadow, canary, state-migration, ramp-up or full; the whole plan when absent',
    )
    .option('--percentage <n>', 'share of the traffic, 0 to 100; canary and ramp-up need one')
    .option('--profile <name>', 'conservative, guide, summary or engine; the deploy file says the default')
    .option('--resume', 'go on with the run that was held, rolled back or cut off', false)
    .option('--dry-run', 'print the steps, and change nothing', false)
    .option('--yes', 'ask nothing', false)
    .option('--no-wait', 'return when it is started')
    .option('--timeout <seconds>', 'stop watching after this long; the migration goes on')
    .action(async (options: MigrateOptions) => {
      const timeoutMs =
        options.timeout === undefined ? null : positiveNumber('--timeout', options.timeout) * 1000;
      const percentage = options.percentage === undefined ? undefined : parsePercent(options.percentage);
      if (options.phase !== undefined) parsePhase(options.phase);
      if (options.profile !== undefined) profileNamed(options.profile);
      const connection = connect(options, context.env);
      const control = await openControlPlane(connection);
      const request = {
        ...(options.phase === undefined ? {} : { phase: options.phase }),
        ...(percentage === undefined ? {} : { trafficThousandths: percentage }),
        profile: options.profile ?? connection.deploy.profile,
        requestedBy: operatorName(),
      };
      if (options.dryRun) {
        presentPlan(await previewMigration(control, request), options.json);
        return;
      }
      await confirm(connection, options, 'change the traffic of this account');
      const deps = { ...control, newRunId };
      const started = options.resume
        ? await resumeMigration(deps, request)
        : await startMigration(deps, request);
      if (!options.wait) {
        presentStarted(started.run, options.json);
        return;
      }
      const run = await watchRun(control, started.run.runId, { json: options.json, timeoutMs });
      context.setExitCode(exitOf(run));
      presentEnd(run, options.json);
    });
}

function presentPlan(steps: readonly PlanStep[], json: boolean): void {
  if (json) {
    printDocument('MigrationPlan', { steps });
    return;
  }
  for (const { id, trafficThousandths, bakeSeconds, gates } of steps) {
    const traffic =
      trafficThousandths === null ? 'traffic as it is' : percentOfThousandths(trafficThousandths);
    printData(`${id.padEnd(18)} ${traffic.padEnd(18)} bake ${duration(bakeSeconds * 1000)}`);
    printData(`  gates: ${gates.map(({ name }) => name).join(', ')}`);
  }
}

function presentStarted(run: RunRecord, json: boolean): void {
  if (json) printDocument('MigrationStarted', { run });
  else note(`Started: ${runText(run)}`);
  if (!json) nextStep('hal9-migrate status --detailed');
}

async function watchRun(
  control: CliControlPlane,
  runId: string,
  options: { readonly json: boolean; readonly timeoutMs: number | null },
): Promise<RunRecord> {
  const lines = liveLines({ quiet: options.json });
  const startedAtMs = performance.now();
  for (;;) {
    const run = await control.runs.current();
    if (run === null || run.runId !== runId) throw replaced(runId);
    lines.update([phaseRail(run.phase), runText(run), ...gateLines(run.judged)]);
    if (!isActive(run)) {
      lines.done();
      return run;
    }
    if (options.timeoutMs !== null && performance.now() - startedAtMs > options.timeoutMs)
      throw stillRunning(run);
    await sleep(lookEveryMs);
  }
}

function exitOf(run: RunRecord): number {
  if (run.status === 'completed') return exitCodes.ok;
  if (run.status === 'held') return exitCodes.gateFailed;
  return run.status === 'rolled-back' ? exitCodes.rolledBack : exitCodes.failed;
}

function presentEnd(run: RunRecord, json: boolean): void {
  if (json) {
    printDocument('MigrationResult', { run });
    return;
  }
  const reason = run.reason === null ? '' : `: ${run.reason}`;
  printData(`${run.status}, phase ${run.phase}${reason}`);
  if (run.status === 'completed') nextStep('hal9-migrate status');
  else nextStep('hal9-migrate status --detailed');
}

function replaced(runId: string): HalError {
  return new HalError({
    name: 'RunReplaced',
    message: `Run ${runId} is not the current one any more.`,
    remedy: 'See what runs now with `hal9-migrate status`.',
    exit: 'conflict',
    facts: { runId },
  });
}

function stillRunning(run: RunRecord): HalError {
  return new HalError({
    name: 'StillRunning',
    message: `The migration is still ${runText(run)}.`,
    remedy: 'It goes on by itself; watch it with `hal9-migrate status`.',
    exit: 'timedOut',
    facts: { runId: run.runId, status: run.status, phase: run.phase },
  });
}
