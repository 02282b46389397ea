import type { RunRecord } from '../../lib/orchestrator/run.ts';

/** A text that differs whenever the run got anywhere: a large store takes its time. */
export function positionOf(run: RunRecord | null): string {
  const { stage, completeRanges, verifyCursor, switched, publishing } = run?.statePhase ?? {};
  const state = [stage, completeRanges, verifyCursor, switched, publishing?.cursor];
  return JSON.stringify([run?.status, run?.stepIndex, ...state]);
}
