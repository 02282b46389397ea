import { totalOf, type VerificationReport } from '../../lib/migration/verification-report.ts';
import type { RunRecord } from '../../lib/orchestrator/run.ts';
import type { HistoryReport } from '../traffic/check-history.ts';
import type { TrafficStats } from '../traffic/traffic-control.ts';
import type { DemoStage } from './demo-stage.ts';
import type { DemoPhase, DemoRollback, DemoSummary } from './demo-summary.ts';
import { judgeDemo } from './judge-demo.ts';

/** What the last look at both sides and at the users' history found; null where it could not be taken. */
export interface Checks {
  readonly report: VerificationReport | null;
  readonly history: HistoryReport | null;
  readonly faults: readonly string[];
}

export interface DemoResults extends Checks {
  readonly stage: DemoStage;
  readonly run: RunRecord | null;
  readonly stats: TrafficStats;
  readonly shadowed: number;
  readonly startedAtMs: number;
}

/** Puts everything together and judges it; `faults` is what stopped the demo or its checks. */
export function summarize(results: DemoResults, faults: readonly string[]): DemoSummary {
  const { stage, run, report, startedAtMs } = results;
  const { options, watcher, windows } = stage;
  const memoryMb = watcher.peakMemoryMb();
  const byCategory = report?.byCategory ?? {};
  const summary: Omit<DemoSummary, 'outcome' | 'failures'> = {
    seed: options.seed,
    records: options.records,
    elapsedMs: Date.now() - startedAtMs,
    peakMemoryMb: memoryMb === null ? null : Math.round(memoryMb),
    phases: (run?.attempts ?? []).map(phaseOf),
    rollbacks: (run?.rollbacks ?? []).map((record) => rollbackOf(record, stage)),
    state: { ...totalOf({ byCategory }), byCategory },
    traffic: trafficOf(results),
    history: historyOf(results.history),
    windows,
    dataDir: null,
  };
  const isEveryRecordProven = report?.outcome === 'verified';
  const failures = [...faults, ...judgeDemo({ run, isEveryRecordProven, faults: options.faults, summary })];
  return { outcome: failures.length === 0 ? 'completed' : 'failed', failures, ...summary };
}

function trafficOf({ stats, shadowed }: DemoResults): DemoSummary['traffic'] {
  const { requests, failed, failedDuringFault, bySystem } = stats;
  const { flat, hierarchical } = bySystem;
  return {
    requests,
    failed,
    failedDuringFault,
    flat: flat.requests,
    hierarchical: hierarchical.requests,
    shadowed,
  };
}

const nothingKnown = {
  acknowledgedWrites: 0,
  lostWrites: 0,
  staleReads: 0,
  resurrections: 0,
  unexplainedReads: 0,
  keys: 0,
};

function historyOf(history: HistoryReport | null): DemoSummary['history'] {
  const { acknowledgedWrites, lostWrites, staleReads, resurrections, unexplainedReads, keys } =
    history ?? nothingKnown;
  return { acknowledgedWrites, lostWrites, staleReads, resurrections, unexplainedReads, keys };
}

function phaseOf(attempt: RunRecord['attempts'][number]): DemoPhase {
  const { phase, stepId, outcome, startedAtMs, endedAtMs } = attempt;
  return {
    phase,
    step: stepId,
    outcome,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
  };
}

const notInjected = { injected: null, detectedAfterMs: null, trafficOffAfterMs: null };

function rollbackOf(record: RunRecord['rollbacks'][number], { injected }: DemoStage): DemoRollback {
  const { rollbackId, fromPhase, toPhase, trigger, authorityMovedAtMs } = record;
  const cause = injected.get(rollbackId) ?? notInjected;
  return { fromPhase, toPhase, trigger, ...cause, stateRestored: authorityMovedAtMs !== null };
}
