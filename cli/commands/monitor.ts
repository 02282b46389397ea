import { setTimeout as sleep } from 'node:timers/promises';

import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane, type CliControlPlane } from '../control-plane.ts';
import { untilInterrupted } from '../interrupt.ts';
import { operatorName } from '../operator.ts';
import { oneOf } from '../options.ts';
import { count, duration, share } from '../output/quantities.ts';
import { apiVersion, nextStep, note, paint, printData } from '../output/terminal.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { describeState } from '../state/describe-state.ts';
import { durationMs } from '../state/limits.ts';
import { reconcileState } from '../state/reconcile-state.ts';
import { judgeLook, watchDrift, type Look, type WatchDeps } from '../state/watch-drift.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type MonitorOptions = Options<{
  phase: string;
  duration: string;
  interval?: string;
  alertOnDrift: boolean;
}>;

export function addMonitorVerb(program: Command, context: CliContext): void {
  addVerb(program, context, {
    name: 'monitor',
    description: verbDescriptions.monitor,
    examples: [
      'hal9-migrate monitor --duration 24h --alert-on-drift',
      'hal9-migrate monitor --duration 10m --interval 1m --json',
    ],
  })
    .option('--phase <name>', 'state-migration or post-state-migration: the same look', 'state-migration')
    .option('--duration <duration>', 'how long, such as 24h', '1h')
    .option('--interval <duration>', 'between two looks; that of the reconciliation when absent')
    .option('--alert-on-drift', 'end with 6 when drift reached the threshold, or an alarm was red', false)
    .action((options: MonitorOptions) => monitor(options, context));
}

async function monitor(options: MonitorOptions, context: CliContext): Promise<void> {
  oneOf('--phase', options.phase, ['state-migration', 'post-state-migration']);
  const lengthMs = durationMs('--duration', options.duration);
  const given = options.interval === undefined ? null : durationMs('--interval', options.interval);
  const control = await openControlPlane(connect(options, context.env));
  const categories = parseCategories([], await chosenDefinition());
  const { settings } = await describeState(control.invoker);
  const intervalMs = given ?? settings.reconciliation.intervalMs;
  if (!options.json) note(`Looking every ${duration(intervalMs)} for ${duration(lengthMs)}.`);
  const goesOn = {
    what: 'Whatever is being migrated',
    watch: 'hal9-migrate monitor',
    stop: 'hal9-migrate state-migration --stop',
  };
  const summary = await untilInterrupted(goesOn, (signal) =>
    watchDrift(
      {
        look: () => takeLook(control, categories),
        nowMs: () => Date.now(),
        sleep: (waitMs) => sleep(waitMs, undefined, { signal }),
        onLook: (look) => present(look, options),
      },
      { durationMs: lengthMs, intervalMs },
    ),
  );
  if (options.alertOnDrift && !summary.sound) context.setExitCode(exitCodes.gateFailed);
  if (options.json) printLine('MonitorSummary', summary);
  else {
    const { looks, alerted, failedLooks } = summary;
    note(`${count(looks)} looks, ${count(alerted)} with an alert, ${count(failedLooks)} could not be made.`);
    nextStep(summary.sound ? 'hal9-migrate status' : 'hal9-migrate state diff --verbose');
  }
}

/** Compares by kept digests where there are any, and repairs nothing. */
async function takeLook(control: CliControlPlane, categories: readonly Category[]): Promise<Look> {
  const request = { categories, fix: false, full: false, requestedBy: `operator:${operatorName()}` };
  const { report } = await reconcileState(control.invoker, request, () => undefined);
  const [description, alarms] = await Promise.all([describeState(control.invoker), control.alarms.list()]);
  return judgeLook(report, description, alarms);
}

/** One line a look; one JSON document a line with `--json`. */
function present(look: Parameters<WatchDeps['onLook']>[0], { json }: MonitorOptions): void {
  if (json) return printLine('MonitorLook', look);
  const time = new Date(look.atMs).toISOString().slice(11, 19);
  if ('fault' in look) return note(`${time}  ${paint('warn', 'could not look')}: ${look.fault}`);
  const { records, verified, differing, drift, quarantined, behind } = look;
  printData(
    `${time}  ${count(verified)} of ${count(records)} verified, drift ${share(drift)} (${count(differing)}), ` +
      `${count(quarantined)} in quarantine, behind: ${count(behind.hierarchical)} to hierarchical, ${count(behind.flat)} to flat`,
  );
  for (const alert of look.alerts) note(`${time}  ${paint('bad', 'ALERT')} ${alert}`);
}

function printLine(kind: string, content: object): void {
  printData(JSON.stringify({ apiVersion, kind, ...content }));
}
