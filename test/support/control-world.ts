import type { FlagsDocument } from '../../lib/flags/document.ts';
import { defaultFlagsDocument } from '../../lib/flags/document.ts';
import type { Metric } from '../../lib/kernel/metric-sink.ts';
import { makeMemoryAlarmReader } from '../../lib/memory/alarm-reader.ts';
import { makeMemoryAuditLog } from '../../lib/memory/audit-log.ts';
import { makeMemoryCheckpointStore } from '../../lib/memory/checkpoint-store.ts';
import { makeFlagStore } from '../../lib/memory/flag-store.ts';
import { makeMemoryFunctionInvoker } from '../../lib/memory/function-invoker.ts';
import type { Interleave } from '../../lib/memory/interleave.ts';
import { makeMemoryLock } from '../../lib/memory/lock.ts';
import { makeMemoryMetricReader } from '../../lib/memory/metric-reader.ts';
import { makeRouteStore } from '../../lib/memory/route-store.ts';
import { makeMemoryRunStore } from '../../lib/memory/run-store.ts';
import { makeMemoryWorkflow } from '../../lib/memory/workflow.ts';
import type { Category } from '../../lib/migration/category.ts';
import { hal9Categories as categories } from '../../lib/migration/hal9-definition.ts';
import type { MeasuredSystem } from '../../lib/monitoring/metric-names.ts';
import { makeLiveTraffic } from '../../lib/monitoring/live-traffic.ts';
import type { StepEvent } from '../../lib/orchestrator/change-run.ts';
import { makeEnterStep } from '../../lib/orchestrator/enter-step.ts';
import { makeEvaluateGate, type JudgedStep } from '../../lib/orchestrator/evaluate-gate.ts';
import { makeHandler as makeRollBackHandler } from '../../functions/roll-back/handler.ts';

/** The control plane on memory twins, with state functions that only keep score and metrics that a test sets. */
export function makeControlWorld(options: { interleave?: Interleave; flags?: Partial<FlagsDocument> } = {}) {
  let nowMs = 1_750_000_000_000;
  const clock = { nowMs: () => nowMs };
  const sleeper = {
    sleep: async (durationMs: number) => {
      nowMs += durationMs;
    },
  };
  const metrics: Metric[] = [];
  const authority = new Map<Category, 'flat' | 'hierarchical'>(categories.map((name) => [name, 'flat']));
  const state = { copied: true, differences: 0, pages: 1 };
  let verifiedPages = 0;

  const handlers: Record<string, (payload: unknown) => Promise<unknown>> = {
    'prepare-source': async () => ({
      changeLogInstalled: true,
      tables: [],
      authorities: Object.fromEntries(categories.map((name) => [name, { epoch: 1, state: 'open' }])),
    }),
    'plan-batches': async (payload) =>
      (payload as { action: string }).action === 'progress'
        ? { complete: state.copied, completeRanges: state.copied ? 4 : 1, openRanges: state.copied ? 0 : 3 }
        : { sentRanges: 4 },
    'verify-state': async () => {
      verifiedPages += 1;
      const done = verifiedPages % state.pages === 0;
      return { done, cursor: done ? null : String(verifiedPages), report: report(state.differences) };
    },
    'switch-authority': async (payload) => {
      const { category, to } = payload as { category: Category; to: 'flat' | 'hierarchical' };
      authority.set(category, to);
      return { kind: 'switched' };
    },
  };
  const metricReader = makeMemoryMetricReader(metrics);
  const invoker = makeMemoryFunctionInvoker(handlers);
  const world = {
    categories,
    clock,
    sleeper,
    runs: makeMemoryRunStore(options.interleave),
    flags: makeFlagStore({ ...defaultFlagsDocument, ...options.flags }),
    routes: makeRouteStore(),
    invoker,
    handlers,
    checkpoints: makeMemoryCheckpointStore(),
    audit: makeMemoryAuditLog(),
    lock: makeMemoryLock(clock),
    metrics: metricReader,
    alarms: makeMemoryAlarmReader('hal9-migrate-hierarchical-error-rate'),
    traffic: makeLiveTraffic(metricReader),
    workflow: makeMemoryWorkflow(),
    minRequestsBetweenSwitches: 0,
    quietAfterMs: 15_000,
    timeBudgetMs: 30_000,
    patienceMs: 0,
    newRunId: () => 'run-1',
    authority,
    state,
    advance: (durationMs: number) => {
      nowMs += durationMs;
    },
    /** One minute of traffic of one system. */
    measure(system: MeasuredSystem, requests: number, fate: { errors?: number; latencyMs?: number } = {}) {
      const count = (name: string, value: number) =>
        metrics.push({ name, unit: 'Count', system, atMs: nowMs, values: [value], counts: [1] });
      count('Requests', requests);
      count('Errors', fate.errors ?? 0);
      count('HealthCheckFailed', 0);
      metrics.push({
        name: 'LatencyMs',
        unit: 'Milliseconds',
        system,
        atMs: nowMs,
        values: [fate.latencyMs ?? 5],
        counts: [requests],
      });
      nowMs += 1;
    },
    compare(compared: number, matched: number) {
      for (const [name, value] of [
        ['ShadowCompared', compared],
        ['ShadowMatched', matched],
      ] as const) {
        metrics.push({ name, unit: 'Count', atMs: nowMs, values: [value], counts: [1] });
      }
      nowMs += 1;
    },
    count(name: string, system: MeasuredSystem, value: number) {
      metrics.push({ name, unit: 'Count', system, atMs: nowMs, values: [value], counts: [1] });
      nowMs += 1;
    },
  };
  const rollBack = makeRollBackHandler(world);
  handlers['roll-back'] = rollBack;
  return { ...world, enterStep: makeEnterStep(world), evaluateGate: makeEvaluateGate(world), rollBack };
}

export type ControlWorld = ReturnType<typeof makeControlWorld>;

/** Walks the workflow by hand, with good news at every gate, until a verdict ends it or `stopAt` is entered. */
export async function walk(
  world: ControlWorld,
  input: StepEvent,
  stopAt?: (event: StepEvent) => boolean,
): Promise<JudgedStep | StepEvent> {
  let event = input;
  for (let steps = 0; steps < 200; steps += 1) {
    await world.enterStep(event);
    if (stopAt?.(event) === true) return event;
    const judged = await judgeUntilDecided(world, event);
    if (judged.verdict !== 'advance') return judged;
    event = judged;
  }
  throw new Error('the plan does not end');
}

async function judgeUntilDecided(world: ControlWorld, event: StepEvent): Promise<JudgedStep> {
  for (let polls = 0; polls < 100; polls += 1) {
    world.measure('flat', 1000);
    world.measure('hierarchical', 1000);
    world.compare(1000, 1000);
    const judged = await world.evaluateGate(event);
    if (judged.verdict !== 'wait') return judged;
    world.advance(judged.waitSeconds * 1000);
  }
  throw new Error('the gate does not decide');
}

function report(differences: number) {
  const counts = {
    total: 10,
    verified: 10 - differences,
    mismatches: differences,
    missing: 0,
    extra: 0,
    quarantined: 0,
    tombstoned: 0,
    pending: 0,
  };
  return { outcome: differences === 0 ? 'verified' : 'differences', byCategory: { metadata: counts } };
}

export function alarmEvent(world: ControlWorld, timestamp = '2026-01-01T00:00:00.000+0000') {
  return {
    source: 'aws.cloudwatch',
    alarmArn: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:hal9-migrate-hierarchical-error-rate',
    time: new Date(world.clock.nowMs()).toISOString(),
    alarmData: {
      alarmName: 'hal9-migrate-hierarchical-error-rate',
      state: { value: 'ALARM', reason: 'Threshold crossed', timestamp },
    },
  };
}
