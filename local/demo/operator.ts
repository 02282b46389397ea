import { setTimeout as delay } from 'node:timers/promises';

import { HalError } from '../../lib/kernel/errors.ts';
import { startMigration } from '../../lib/orchestrator/operations/start-migration.ts';
import type { RunRecord } from '../../lib/orchestrator/run.ts';
import type { DemoStage } from './demo-stage.ts';

const profile = 'guide';
const requestedBy = 'demo';

/** How long one step may take before the demo gives up on it. */
const stepPatienceMs = 300_000;
const quietPatienceMs = 60_000;
/** A busy machine may trip a gate or an alarm by itself; an operator tries again, but not for ever. */
const mostRestarts = 6;

/** Starts the plan, or goes on with it. */
export async function startPlan(stage: DemoStage): Promise<void> {
  const { control, newRunId } = stage;
  const { kind, run } = await startMigration({ ...control, newRunId }, { profile, requestedBy });
  const step = run.steps[run.stepIndex]?.id ?? run.phase;
  stage.say(
    kind === 'started'
      ? `Plan started: profile ${profile}, ${run.steps.length} steps`
      : `Plan restarted at ${step}`,
  );
  // The record of before would still say that the run stands.
  await stage.watcher.until(
    'the plan to run',
    stepPatienceMs,
    (seen) => seen.runId === run.runId && seen.executionCount >= run.executionCount,
  );
}

export function isStanding(run: RunRecord): boolean {
  return run.status === 'held' || run.status === 'rolled-back';
}

/**
 * Watches until the run is where it is wanted. A run that stands meanwhile is started again, as an operator would.
 * Throws HalErrors `DemoStuck` and `DemoRestartsSpent`.
 */
export async function goOnUntil(
  stage: DemoStage,
  what: string,
  isSo: (run: RunRecord) => boolean,
): Promise<RunRecord> {
  for (let restarts = 0; ; restarts += 1) {
    const run = await stage.watcher.until(what, stepPatienceMs, (seen) => isSo(seen) || isStanding(seen));
    if (isSo(run)) return run;
    if (restarts >= mostRestarts) throw restartsSpent(what, run);
    stage.say(`The run is ${run.status}: ${run.reason ?? 'no reason given'}`);
    await waitForQuiet(stage);
    await startPlan(stage);
  }
}

/** An operator does not start anything while an alarm is red. */
export async function waitForQuiet({ control, watcher }: DemoStage): Promise<void> {
  const deadlineMs = Date.now() + quietPatienceMs;
  for (;;) {
    const red = (await control.alarms.list()).filter(({ state }) => state === 'ALARM');
    if (red.length === 0) return;
    if (Date.now() >= deadlineMs) throw stillRed(red.map(({ name }) => name));
    await Promise.race([delay(250), watcher.broken]);
  }
}

function restartsSpent(what: string, run: RunRecord): HalError {
  return new HalError({
    name: 'DemoRestartsSpent',
    message: `The run was started again ${mostRestarts} times on the way to ${what} and is ${run.status}: ${run.reason ?? 'no reason given'}.`,
    remedy: 'If the machine is busy with something else, try again when it is not.',
    facts: { what, status: run.status, reason: run.reason },
  });
}

function stillRed(alarms: readonly string[]): HalError {
  return new HalError({
    name: 'AlarmsStayRed',
    message: `Still in ALARM after ${quietPatienceMs / 1_000} s: ${alarms.join(', ')}.`,
    remedy: 'Repeat the demo with --keep and look at the logs in its data directory.',
    facts: { alarms },
  });
}
