import type { Workload } from './clients.ts';
import { faultKinds, type FaultKind } from './faults.ts';
import type { SimulationResult } from './simulate.ts';

/** What many migrations came to together. */
export interface Tally {
  readonly migrations: number;
  readonly steps: number;
  readonly acknowledgedWrites: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly workload: Readonly<Record<keyof Workload, number>>;
  /** Of the lowest seed that failed. */
  readonly failure: SimulationResult | null;
}

const noWork: Workload = {
  inserts: 0,
  updates: 0,
  deletes: 0,
  reinserts: 0,
  poisonedRows: 0,
  refusedWrites: 0,
};

export const emptyTally: Tally = {
  migrations: 0,
  steps: 0,
  acknowledgedWrites: 0,
  faults: Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>,
  workload: noWork,
  failure: null,
};

export function tallyOf(result: SimulationResult): Tally {
  const { steps, acknowledgedWrites, faults, workload, violations } = result;
  return {
    migrations: 1,
    steps,
    acknowledgedWrites,
    faults,
    workload,
    failure: violations.length > 0 ? result : null,
  };
}

export function mergeTallies(left: Tally, right: Tally): Tally {
  return {
    migrations: left.migrations + right.migrations,
    steps: left.steps + right.steps,
    acknowledgedWrites: left.acknowledgedWrites + right.acknowledgedWrites,
    faults: addAll(left.faults, right.faults),
    workload: addAll(left.workload, right.workload),
    failure: lowestSeed(left.failure, right.failure),
  };
}

function addAll<Name extends string>(
  left: Readonly<Record<Name, number>>,
  right: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const names = Object.keys(left) as Name[];
  return Object.fromEntries(names.map((name) => [name, left[name] + right[name]])) as Record<Name, number>;
}

function lowestSeed(left: SimulationResult | null, right: SimulationResult | null): SimulationResult | null {
  if (left === null || right === null) return left ?? right;
  return left.seed < right.seed ? left : right;
}
