import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { HalError } from '../../lib/kernel/errors.ts';
import { metricNames } from '../../lib/monitoring/metric-names.ts';
import { preCheck } from '../../lib/orchestrator/operations/pre-check.ts';
import type { RunRecord } from '../../lib/orchestrator/run.ts';
import type { LocalCloud } from '../cloud/local-cloud.ts';
import { startLocalCloud } from '../cloud/start-local-cloud.ts';
import { describeViolation } from '../traffic/describe-violation.ts';
import { spawnTraffic } from '../traffic/spawn-traffic.ts';
import type { DemoControl, DemoDeps, DemoOptions } from './demo-options.ts';
import { noteWindow, type DemoStage } from './demo-stage.ts';
import type { DemoSummary } from './demo-summary.ts';
import { breakAfterFull, breakDuringCanary } from './fault-scenes.ts';
import { drain, judgeHistory, verifyEverything } from './final-checks.ts';
import { goOnUntil, startPlan } from './operator.ts';
import { makeScratchDirectory } from './scratch-directory.ts';
import { summarize, type Checks, type DemoResults } from './summarize-demo.ts';
import { noteSwitch } from './switch-windows.ts';
import { interrupted, startWatcher } from './watcher.ts';

/** Many, so that the smallest share of them is still somebody. */
const users = 1_000;
const requestTimeoutMs = 15_000;
const canaryRateFactor = 3;

/**
 * Runs a whole migration on a local cloud of its own, under live traffic, breaks it twice, and checks everything that
 * must hold. Throws HalErrors of what never began (source, ports, engines) and `DemoInterrupted`; what goes wrong
 * later is in the summary.
 */
export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<DemoSummary> {
  const dataDir = options.dataDir === undefined ? makeScratchDirectory(options) : resolve(options.dataDir);
  const startedAtMs = Date.now();
  const cleanup = new AsyncDisposableStack();
  if (!options.keep) cleanup.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  try {
    const cloud = await startLocalCloud({
      dataDir,
      records: options.records,
      seed: options.seed,
      timeScale: options.timeScale,
      ...(options.sourceFile === undefined ? {} : { sourceFile: options.sourceFile }),
      onProgress: deps.onEvent,
    });
    cleanup.defer(() => cloud.stop());
    if (options.signal?.aborted === true) throw interrupted();
    const summary = await runOn({ options, deps, cloud, startedAtMs, cleanup });
    return { ...summary, dataDir: options.keep ? dataDir : null };
  } finally {
    await cleanup.disposeAsync();
  }
}

interface Ground {
  readonly options: DemoOptions;
  readonly deps: DemoDeps;
  readonly cloud: LocalCloud;
  readonly startedAtMs: number;
  readonly cleanup: AsyncDisposableStack;
}

async function runOn(ground: Ground): Promise<DemoSummary> {
  const { options, deps, cloud, startedAtMs, cleanup } = ground;
  const control = await deps.openControl(cloud.dataDir);
  const historyPath = join(cloud.dataDir, 'history.jsonl');
  const traffic = await spawnTraffic(
    {
      edgeUrl: cloud.endpoints.edgeUrl,
      source: JSON.stringify({ kind: 'sqlite', path: cloud.flatStore }),
      historyPath,
      rate: options.rate,
      users,
      seed: options.seed,
      timeoutMs: requestTimeoutMs,
    },
    join(cloud.dataDir, 'logs', 'traffic.log'),
  );
  const usersEnd = once(() => traffic.stop());
  cleanup.defer(async () => {
    await usersEnd().catch(() => undefined);
  });
  const stopping = new AbortController();
  const signal = AbortSignal.any([
    stopping.signal,
    ...(options.signal === undefined ? [] : [options.signal]),
  ]);
  const watcher = startWatcher({ control, traffic, onView: deps.onView, startedAtMs, signal });
  cleanup.defer(() => watcher.stop());
  void cloud.failed.then((reason) => deps.onEvent(`A part of the local cloud ended: ${reason}`));
  const stage: DemoStage = {
    options,
    cloud,
    control,
    traffic,
    watcher,
    newRunId: deps.newRunId,
    say: deps.onEvent,
    injected: new Map(),
    windows: [],
  };
  const fault = await playAll(stage);
  watcher.scene('The users go home; checking every record and every answer they got');
  await watcher.stop();
  const stats = await usersEnd();
  const shadowed = await countShadowed(control, startedAtMs);
  const checks = await checkAll(stage, historyPath);
  for (const failure of stats.failures.slice(0, 5)) stage.say(`Failed request: ${failure}`);
  const run = await control.runs.current();
  const known: DemoResults = { stage, run, stats, shadowed, ...checks, startedAtMs };
  return summarize(known, [...(fault === null ? [] : [fault]), ...checks.faults]);
}

function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => (result ??= work());
}

/** Plays every scene; returns what stopped it, in words. What was reached by then is checked all the same. */
async function playAll(stage: DemoStage): Promise<string | null> {
  try {
    await play(stage);
    return null;
  } catch (error) {
    if (error instanceof HalError && error.name === 'DemoInterrupted') throw error;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    stage.say(`Stopped: ${message}`);
    return `${name}: ${message}`;
  }
}

async function play(stage: DemoStage): Promise<void> {
  const { watcher, options, traffic } = stage;
  watcher.scene('Shadow first: answers of both systems are compared, users notice nothing');
  await requireReady(stage);
  await startPlan(stage);
  // A twentieth of the users gives evidence slowly: more of them come while the shares are small.
  await traffic.setRate(canaryRateFactor * options.rate);
  if (options.faults) await breakDuringCanary(stage);
  watcher.scene('Canary: a few users first, then more');
  await goOnUntil(stage, 'the end of the canary phase', isPastCanary);
  await traffic.setRate(options.rate);
  await moveState(stage);
  noteCopy(stage);
  watcher.scene('Ramp-up: the share grows, flat is kept current');
  if (options.faults) {
    await breakAfterFull(stage);
    await moveState(stage);
    watcher.scene('Ramp-up once more, then full');
  }
  await goOnUntil(stage, 'the end of the plan', ({ status }) => status === 'completed');
  stage.say('The migration is completed');
}

function isPastCanary({ phase }: RunRecord): boolean {
  return phase !== 'shadow' && phase !== 'canary';
}

async function requireReady({ control }: DemoStage): Promise<void> {
  const { checks } = await preCheck({ ...control, place: 'local', sourceKind: 'sqlite' });
  const failed = checks.filter(({ result }) => result === 'fail');
  if (failed.length === 0) return;
  throw new HalError({
    name: 'PreCheckFailed',
    message: failed.map(({ name, detail }) => `${name}: ${detail}`).join('; '),
    remedy: failed.flatMap(({ remedy }) => remedy ?? []).join(' '),
    exit: 'gateFailed',
    facts: { failed },
  });
}

async function moveState(stage: DemoStage): Promise<void> {
  const { watcher } = stage;
  await goOnUntil(stage, 'the state migration', ({ phase }) => phase === 'state-migration');
  watcher.scene('State migration: records are copied, verified and switched under load');
  await goOnUntil(
    stage,
    'the state to have moved',
    ({ statePhase, phase }) => isMoved(statePhase) || phase === 'ramp-up' || phase === 'full',
  );
  await noteSwitch(stage, 'hierarchical');
}

function isMoved(statePhase: RunRecord['statePhase']): boolean {
  return statePhase?.stage === 'post-verify' || statePhase?.stage === 'done';
}

function noteCopy(stage: DemoStage): void {
  const span = stage.watcher.copySpan();
  if (span !== null) noteWindow(stage, 'copy', span.fromMs, span.toMs);
}

async function countShadowed({ metrics }: DemoControl, startMs: number): Promise<number> {
  const query = { id: 'compared', metric: metricNames.shadowCompared, statistic: 'Sum' } as const;
  const readings = await metrics.read([query], { startMs, endMs: Date.now() });
  return readings.get('compared')?.value ?? 0;
}

async function checkAll(stage: DemoStage, historyPath: string): Promise<Checks> {
  const { control, cloud, say } = stage;
  const faults: string[] = [];
  const attempt = async <Result>(what: string, work: () => Promise<Result>): Promise<Result | null> => {
    try {
      return await work();
    } catch (error) {
      faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  const isDrained = await attempt('draining', () => drain(control));
  if (isDrained === false) faults.push('some writes of users did not reach the other side in time');
  const [report, history] = await Promise.all([
    attempt('verification', () => verifyEverything(control)),
    attempt('history', () => judgeHistory(cloud, control, historyPath)),
  ]);
  for (const { violation, history: ofKey } of history?.evidence.slice(0, 3) ?? []) {
    for (const line of describeViolation(violation, ofKey).slice(0, 12)) say(line);
  }
  return { report, history, faults };
}
