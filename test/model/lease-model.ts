import { holdsRange } from '../../lib/migration/admission.ts';

/** Two workers and one range of three rows; either may freeze at any step, for any time, and go on. */
interface LeaseState {
  readonly cursor: number;
  readonly state: 'planned' | 'leased' | 'complete';
  readonly fence: number;
  /** Bits of the rows that are on the target. */
  readonly rows: number;
  readonly workers: readonly Worker[];
}

interface Worker {
  readonly step: 'idle' | 'read' | 'write' | 'checkpoint';
  readonly fence: number;
  /** The row that it is at. */
  readonly row: number;
}

export interface LeaseRules {
  readonly holds: typeof holdsRange;
  readonly writesFirst: boolean;
}

export const productLeaseRules: LeaseRules = { holds: holdsRange, writesFirst: true };

const rowCount = 3;
const mostFences = 4;
const idle: Worker = { step: 'idle', fence: 0, row: 0 };

export function exploreLeases(rules: LeaseRules): {
  readonly states: number;
  readonly problem: string | null;
} {
  const first: LeaseState = { cursor: 0, state: 'planned', fence: 0, rows: 0, workers: [idle, idle] };
  const visited = new Set([JSON.stringify(first)]);
  for (const text of visited) {
    const state = JSON.parse(text) as LeaseState;
    for (const next of successors(state, rules)) {
      const problem = problemOf(state, next);
      if (problem !== null) return { states: visited.size, problem };
      visited.add(JSON.stringify(next));
    }
  }
  return { states: visited.size, problem: null };
}

function successors(state: LeaseState, rules: LeaseRules): LeaseState[] {
  return state.workers.flatMap((worker, at) => {
    const become = (next: Worker, change: Partial<LeaseState> = {}): LeaseState => ({
      ...state,
      ...change,
      workers: state.workers.with(at, next),
    });
    const crashed = worker.step === 'idle' ? [] : [become(idle)];
    return [...crashed, ...stepsOf(state, worker, rules, become)];
  });
}

function stepsOf(
  state: LeaseState,
  worker: Worker,
  rules: LeaseRules,
  become: (next: Worker, change?: Partial<LeaseState>) => LeaseState,
): LeaseState[] {
  if (worker.step === 'idle') {
    // A lease may have expired at any time, by whatever clock.
    if (state.state === 'complete' || state.fence === mostFences) return [];
    const fence = state.fence + 1;
    return [become({ step: 'read', fence, row: state.cursor }, { state: 'leased', fence })];
  }
  if (worker.step === 'read')
    return [become({ ...worker, step: rules.writesFirst ? 'write' : 'checkpoint' })];
  if (worker.step === 'write') {
    const rows = state.rows | (1 << worker.row);
    return [become({ ...worker, step: 'checkpoint' }, { rows })];
  }
  if (!rules.holds({ state: state.state, fence: state.fence }, worker.fence)) return [become(idle)];
  const cursor = worker.row + 1;
  return cursor === rowCount
    ? [become(idle, { cursor, state: 'complete' })]
    : [become({ ...worker, step: 'read', row: cursor }, { cursor })];
}

function problemOf(before: LeaseState, after: LeaseState): string | null {
  if (after.cursor < before.cursor) return 'I7: the cursor went back';
  if (before.state === 'complete' && after.cursor !== before.cursor) return 'I7: a complete range moved';
  for (let row = 0; row < after.cursor; row += 1) {
    if ((after.rows & (1 << row)) === 0) return `I7: the cursor passed row ${row}, which is not written`;
  }
  return null;
}
