import type { RunStore } from './ports.ts';
import type { RunRecord } from './run.ts';

/** What the workflow carries from state to state: enough to tell a late task from the present one. */
export interface StepEvent {
  readonly runId: string;
  /** Epoch that the run had when this execution began. */
  readonly routingEpoch: number;
  readonly execution: number;
  readonly stepIndex: number;
  readonly phase: string;
}

/** True while the execution that sent the event is the one in charge of the run. */
export function isInCharge(event: StepEvent, run: RunRecord): boolean {
  return (
    run.runId === event.runId &&
    run.routingEpoch === event.routingEpoch &&
    run.executionCount === event.execution
  );
}

const mostAttempts = 8;

/**
 * Changes the current run while `isAllowed` holds; tells null when it does not (any more). The store's condition makes
 * this safe: whatever happened between reading and writing refuses the write, and the run is looked at again.
 */
export async function changeRun(
  store: RunStore,
  isAllowed: (run: RunRecord) => boolean,
  change: (run: RunRecord) => RunRecord,
): Promise<RunRecord | null> {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const run = await store.current();
    if (run === null || !isAllowed(run)) return null;
    const updated = await store.update(run, change(run));
    if (updated !== null) return updated;
  }
  throw new Error(`change-run-51c: the run record moved ${mostAttempts} times in a row`);
}
