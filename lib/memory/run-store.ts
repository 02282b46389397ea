import type { RunStore } from '../orchestrator/ports.ts';
import type { RunRecord } from '../orchestrator/run.ts';
import { isActive } from '../orchestrator/run.ts';
import { transaction, uninterrupted, type Interleave } from './interleave.ts';

/** The run record in memory; records are copied in and out, as a table would. */
export function makeMemoryRunStore(interleave: Interleave = uninterrupted): RunStore {
  let current: RunRecord | null = null;

  return {
    current: () => transaction(interleave, 'runs.current', () => structuredClone(current)),
    start: (run, replaced) =>
      transaction(interleave, 'runs.start', () => {
        const isUnchanged = current?.runId === replaced?.runId && current?.revision === replaced?.revision;
        if (!isUnchanged || (current !== null && isActive(current))) return false;
        current = structuredClone(run);
        return true;
      }),
    update: (previous, next) =>
      transaction(interleave, 'runs.update', () => {
        const isUnchanged =
          current?.runId === previous.runId &&
          current.routingEpoch === previous.routingEpoch &&
          current.revision === previous.revision;
        if (!isUnchanged) return null;
        current = structuredClone({ ...next, revision: previous.revision + 1 });
        return structuredClone(current);
      }),
  };
}
