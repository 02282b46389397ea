import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { HalError } from '../../lib/kernel/errors.ts';
import { totalOf, type VerificationReport } from '../../lib/migration/verification-report.ts';
import { metricNames } from '../../lib/monitoring/metric-names.ts';
import { preCheck } from '../../lib/orchestrator/operations/pre-check.ts';
import type { RunRecord } from '../../lib/orchestrator/run.ts';
import type { LocalCloud } from '../cloud/local-cloud.ts';
import { startLocalCloud } from '../cloud/start-local-cloud.ts';
import type { HistoryReport } from '../traffic/check-history.ts';
import { describeViolation } from '../traffic/describe-violation.ts';
import { spawnTraffic } from '../traffic/spawn-traffic.ts';
import type { TrafficStats } from '../traffic/traffic-control.ts';
import type { DemoControl, DemoDeps, DemoOptions } from './demo-options.ts';
import { noteWindow, type DemoStage } from './demo-stage.ts';
import type { DemoPhase, DemoRollback, DemoSummary } from './demo-summary.ts';
import { breakAfterFull, breakDuringCanary } from './fault-scenes.ts';
import { drain, judgeHistory, verifyEverything } from './final-checks.ts';
import { judgeDemo } from './judge-demo.ts';
import { goOnUntil, startPlan } from './operator.ts';
import { noteSwitch } from './switch-windows.ts';
import { interrupted, startWatcher } from './watcher.ts';

/** Many, so that the smallest share of them is still somebody. */
const users = 1_000;
const requestTimeoutMs = 15_000;

/**
 * Runs a whole migration on a local cloud of its own, under live traffic, breaks it twice, and checks everything that
 * must hold. Throws HalErrors of what never began (source, ports, engines) and `DemoInterrupted`; what goes wrong
 * later is in the summary.
 */
export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<DemoSummary> {
  const dataDir =
    options.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'hal9-demo-')) : resolve(options.dataDir);
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
  const run = await control.runs.current();
  const known: DemoSummaryParts = { stage, run, stats, shadowed, ...checks, startedAtMs };
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
  const { watcher, options } = stage;
  watcher.scene('Shadow first: answers of both systems are compared, users notice nothing');
  await requireReady(stage);
  await startPlan(stage);
  if (options.faults) await breakDuringCanary(stage);
  watcher.scene('Canary: a few users first, then more');
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

interface Checks {
  readonly report: VerificationReport | null;
  readonly history: HistoryReport | null;
  readonly faults: readonly string[];
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
  const report = await attempt('verification', () => verifyEverything(control));
  const history = await attempt('history', () => judgeHistory(cloud, control, historyPath));
  for (const { violation, history: ofKey } of history?.evidence.slice(0, 3) ?? []) {
    for (const line of describeViolation(violation, ofKey).slice(0, 12)) say(line);
  }
  return { report, history, faults };
}

interface DemoSummaryParts extends Checks {
  readonly stage: DemoStage;
  readonly run: RunRecord | null;
  readonly stats: TrafficStats;
  readonly shadowed: number;
  readonly startedAtMs: number;
}

function summarize(parts: DemoSummaryParts, faults: readonly string[]): DemoSummary {
  const { stage, run, stats, report, history, startedAtMs } = parts;
  const { options, watcher, windows } = stage;
  for (const failure of stats.failures.slice(0, 5)) stage.say(`Failed request: ${failure}`);
  const summary: Omit<DemoSummary, 'outcome' | 'failures'> = {
    seed: options.seed,
    records: options.records,
    elapsedMs: Date.now() - startedAtMs,
    peakMemoryMb: roundedOrNull(watcher.peakMemoryMb()),
    phases: (run?.attempts ?? []).map(phaseOf),
    rollbacks: (run?.rollbacks ?? []).map((record) => rollbackOf(record, stage)),
    state: {
      ...totalOf({ byCategory: report?.byCategory ?? {} }),
      byCategory: report?.byCategory ?? {},
    },
    traffic: {
      requests: stats.requests,
      failed: stats.failed,
      failedDuringFault: stats.failedDuringFault,
      flat: stats.bySystem.flat.requests,
      hierarchical: stats.bySystem.hierarchical.requests,
      shadowed: parts.shadowed,
    },
    history: {
      acknowledgedWrites: history?.acknowledgedWrites ?? 0,
      lostWrites: history?.lostWrites ?? 0,
      staleReads: history?.staleReads ?? 0,
      resurrections: history?.resurrections ?? 0,
      unexplainedReads: history?.unexplainedReads ?? 0,
      keys: history?.keys ?? 0,
    },
    windows,
    dataDir: null,
  };
  const isEveryRecordProven = report?.outcome === 'verified';
  const failures = [...faults, ...judgeDemo({ run, isEveryRecordProven, faults: options.faults, summary })];
  return { outcome: failures.length === 0 ? 'completed' : 'failed', failures, ...summary };
}

function phaseOf({
  phase,
  stepId,
  outcome,
  startedAtMs,
  endedAtMs,
}: RunRecord['attempts'][number]): DemoPhase {
  return {
    phase,
    step: stepId,
    outcome,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
  };
}

function rollbackOf(record: RunRecord['rollbacks'][number], { injected }: DemoStage): DemoRollback {
  const { fromPhase, toPhase, trigger, authorityMovedAtMs } = record;
  const cause = injected.get(record.rollbackId);
  return {
    fromPhase,
    toPhase,
    trigger,
    injected: cause?.injected ?? null,
    detectedAfterMs: cause?.detectedAfterMs ?? null,
    trafficOffAfterMs: cause?.trafficOffAfterMs ?? null,
    stateRestored: authorityMovedAtMs !== null,
  };
}

function roundedOrNull(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}
