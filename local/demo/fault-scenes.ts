import { HalError } from '../../lib/kernel/errors.ts';
import type { StateDescription } from '../../lib/migration/state-description.ts';
import type { RollbackRecord, RunRecord } from '../../lib/orchestrator/run.ts';
import { verifyRollback } from '../../lib/rollback/verify-rollback.ts';
import { leastAcknowledged, noteWindow, type DemoStage } from './demo-stage.ts';
import { goOnUntil, isStanding, startPlan, waitForQuiet } from './operator.ts';
import { noteSwitch } from './switch-windows.ts';

/** What is broken, as the fault port of the hierarchical service takes it. */
interface Breakage {
  readonly title: string;
  readonly fault: { readonly kind: 'errors' | 'health'; readonly rate?: number };
}

const rollbackPatienceMs = 120_000;
const confirmationPatienceMs = 45_000;
/** While something is broken a bake lasts this long: the alarms, not the end of the bake, are to find it. */
const longBakeMs = 45_000;
/** A bake that was begun keeps the length that it began with. */
const begunAfterMs = 600;
/** Requests that the hierarchical system has served before it is broken: a baseline that the alarm compares with. */
const baselineRequests = 95;
/** Users of one second while the state goes back: the switch takes about one, and a hundred writes must fall into it. */
const wayBackRate = 200;

/** Breaks the hierarchical service while the first users are on it, and goes on when everything is well again. */
export async function breakDuringCanary(stage: DemoStage): Promise<void> {
  const { watcher } = stage;
  await goOnUntil(stage, 'the shadow step', (run) => hasBegun(run, 'shadow') || isBeyond(run, 'shadow'));
  stretchBakes(stage);
  const entered = await reachServing(stage, 'canary', baselineRequests);
  watcher.scene('Breaking the hierarchical service: every request fails');
  const { record } = await breakAndRollBack(stage, entered, {
    title: 'errors',
    fault: { kind: 'errors', rate: 1 },
  });
  noteWindow(stage, 'rollback from canary', record.triggeredAtMs, Date.now());
  compressBakes(stage);
  watcher.scene('The cause is cleared; the operator restarts the plan');
  await waitForQuiet(stage);
  await startPlan(stage);
}

/** Waits until users have written under hierarchical authority, breaks the service, and takes everything back. */
export async function breakAfterFull(stage: DemoStage): Promise<void> {
  const { watcher, traffic, options } = stage;
  await goOnUntil(stage, 'the last step before full', (run) => hasBegun(run, lastStepBeforeFull(run)));
  stretchBakes(stage);
  const entered = await reachServing(stage, 'full', 1);
  const fullAtMs = entered.stepEnteredAtMs ?? Date.now();
  await watcher.until(
    'writes under hierarchical authority',
    rollbackPatienceMs,
    () => watcher.timeline.acknowledgedBetween(fullAtMs, Date.now()) >= leastAcknowledged,
  );
  watcher.scene('Breaking the hierarchical service again: its health checks fail');
  await traffic.setRate(Math.max(options.rate, wayBackRate));
  const { record } = await breakAndRollBack(stage, entered, {
    title: 'health checks',
    fault: { kind: 'health' },
  });
  noteWindow(stage, 'rollback from full', record.triggeredAtMs, Date.now());
  await traffic.setRate(options.rate);
  await noteSwitch(stage, 'flat');
  await requireFlatAuthority(stage);
  compressBakes(stage);
  watcher.scene('Traffic and state are back on flat, nothing is lost; forward again');
  await waitForQuiet(stage);
  await startPlan(stage);
}

function lastStepBeforeFull(run: RunRecord): string {
  const index = run.steps.findIndex(({ phase }) => phase === 'full');
  return run.steps[index - 1]?.id ?? '';
}

function stepIdOf(run: RunRecord): string {
  return run.steps[run.stepIndex]?.id ?? '';
}

function hasBegun(run: RunRecord, stepId: string): boolean {
  const enteredAtMs = run.stepEnteredAtMs;
  return (
    run.status === 'baking' &&
    stepIdOf(run) === stepId &&
    enteredAtMs !== null &&
    Date.now() - enteredAtMs >= begunAfterMs
  );
}

function isBeyond(run: RunRecord, stepId: string): boolean {
  return !isStanding(run) && run.stepIndex > run.steps.findIndex(({ id }) => id === stepId);
}

function stretchBakes({ cloud, options }: DemoStage): void {
  const longestBakeMs = 86_400_000;
  cloud.engines.clock.setTimeScale(Math.min(options.timeScale, longestBakeMs / longBakeMs));
}

function compressBakes({ cloud, options }: DemoStage): void {
  cloud.engines.clock.setTimeScale(options.timeScale);
}

/** In the first step of the phase, with users on the hierarchical system. */
async function reachServing(
  stage: DemoStage,
  phase: 'canary' | 'full',
  requests: number,
): Promise<RunRecord> {
  const { watcher } = stage;
  const isThere = (run: RunRecord): boolean => run.phase === phase && run.status === 'baking';
  for (;;) {
    const run = await goOnUntil(stage, `phase ${phase}`, isThere);
    const fromMs = run.stepEnteredAtMs ?? Date.now();
    const served = await watcher.until(
      `${requests} requests on the hierarchical system`,
      rollbackPatienceMs,
      (seen) => isStanding(seen) || servedSince(stage, fromMs) >= requests,
    );
    if (isThere(served)) return served;
  }
}

function servedSince({ watcher: { timeline } }: DemoStage, fromMs: number): number {
  const now = timeline.latest()?.stats.bySystem.hierarchical.requests ?? 0;
  return now - (timeline.before(fromMs)?.stats.bySystem.hierarchical.requests ?? 0);
}

async function breakAndRollBack(
  stage: DemoStage,
  run: RunRecord,
  { title, fault }: Breakage,
): Promise<{ readonly record: RollbackRecord }> {
  const { watcher, traffic, cloud, say } = stage;
  const known = run.rollbacks.length;
  await traffic.beginFault();
  const injectedAtMs = Date.now();
  await callFaults(cloud.endpoints.faultsUrl, 'POST', fault);
  say(`Broken on purpose: ${title} of the hierarchical service`);
  const back = await watcher.until(
    'the rollback',
    rollbackPatienceMs,
    ({ status, rollbacks }) => rollbacks.length > known && status === 'rolled-back',
  );
  const record = back.rollbacks[known];
  if (record === undefined) throw new Error('demo-4c1: a rollback that was counted has a record');
  say(
    `Rolled back to ${record.toPhase} by ${record.trigger}, ${record.triggeredAtMs - injectedAtMs} ms after the fault`,
  );
  watcher.scene('Rolled back; making sure that nobody is on the hierarchical system');
  await confirmTrafficOff(stage, record);
  await watcher.until(
    'writes during the rollback',
    rollbackPatienceMs,
    () => watcher.timeline.acknowledgedBetween(record.triggeredAtMs, Date.now()) >= leastAcknowledged,
  );
  await callFaults(cloud.endpoints.faultsUrl, 'DELETE');
  await traffic.endFault();
  const lastServedAtMs = watcher.timeline.lastHierarchicalBetween(injectedAtMs, Date.now());
  stage.injected.set(record.rollbackId, {
    injected: title,
    detectedAfterMs: Math.max(0, record.triggeredAtMs - injectedAtMs),
    trafficOffAfterMs: Math.max(
      0,
      (lastServedAtMs ?? record.trafficWrittenAtMs ?? record.startedAtMs) - injectedAtMs,
    ),
  });
  return { record };
}

/** By what was measured, not by what was written. Throws a HalError `TrafficNotOff`. */
async function confirmTrafficOff({ control, say }: DemoStage, record: RollbackRecord): Promise<void> {
  const seen = await verifyRollback(
    { ...control, patienceMs: confirmationPatienceMs },
    record.trafficWrittenAtMs ?? record.startedAtMs,
  );
  if (seen.confirmed) {
    say('Confirmed: flat serves everybody, hierarchical nobody');
    return;
  }
  throw new HalError({
    name: 'TrafficNotOff',
    message: `After the rollback ${seen.hierarchicalRequests ?? 'an unknown number of'} requests were still served by the hierarchical system.`,
    remedy: 'This is a fault of the product: keep the data directory and report it.',
    facts: { ...seen },
  });
}

async function requireFlatAuthority({ control, say }: DemoStage): Promise<void> {
  const { categories } = (await control.invoker.invoke('describe-state', {})) as StateDescription;
  const astray = categories.filter(
    ({ authority, reversePending }) => authority.state !== 'open' || reversePending > 0,
  );
  if (astray.length === 0) {
    say('The state of all five categories is back on flat, and flat has every write');
    return;
  }
  throw new HalError({
    name: 'StateNotRestored',
    message: `After the rollback flat does not have everything of ${astray.map(({ category }) => category).join(', ')}.`,
    remedy: 'This is a fault of the product: keep the data directory and report it.',
    facts: { categories: astray.map(({ category, authority }) => ({ category, authority })) },
  });
}

async function callFaults(url: string, method: 'POST' | 'DELETE', fault?: Breakage['fault']): Promise<void> {
  const answer = await fetch(url, {
    method,
    ...(fault === undefined ? {} : { body: JSON.stringify(fault) }),
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`demo-9d2: the fault port answered ${answer.status}`);
}
