import type { Clock, Sleeper } from '../kernel/clock.ts';
import { largestSlice, sliceLifeMs, sliceSpanMs, type BudgetLine } from './write-budget.ts';

export interface BudgetGate {
  /**
   * Waits until `units` may be written at once, and returns how long that took. Never more than the largest slice,
   * except what one record takes alone. Null or no budget: no wait.
   */
  admit(units: number, unitsPerSecond: number | null): Promise<number>;
}

export interface BudgetGateDeps {
  readonly line: BudgetLine;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
}

interface Slice {
  readonly startMs: number;
  readonly units: number;
  left: number;
}

/** The rest of a slice's life is for the way to the store. */
const startWithinMs = sliceLifeMs / 2;

/** One worker's door to the common budget: reserves more than asked for while it really uses it up. */
export function makeBudgetGate({ line, clock, sleeper }: BudgetGateDeps): BudgetGate {
  let slice: Slice | null = null;
  let portion = 0;
  let turn: Promise<unknown> = Promise.resolve();

  function takeFromSlice(units: number): boolean {
    if (slice === null || slice.left < units) return false;
    if (clock.nowMs() > slice.startMs + startWithinMs) return false;
    slice.left -= units;
    return true;
  }

  async function reserve(units: number, unitsPerSecond: number): Promise<void> {
    if (slice !== null) portion = slice.left * 2 > slice.units ? portion / 2 : portion * 2;
    portion = Math.ceil(Math.min(Math.max(portion, units), Math.max(units, largestSlice(unitsPerSecond))));
    const startMs = await line.reserve(clock.nowMs(), sliceSpanMs(portion, unitsPerSecond));
    slice = { startMs, units: portion, left: portion };
    const waitMs = startMs - clock.nowMs();
    if (waitMs > 0) await sleeper.sleep(waitMs);
  }

  async function admitNow(units: number, unitsPerSecond: number): Promise<number> {
    const askedAtMs = clock.nowMs();
    // A worker that froze between its reservation and its start comes too late for it, and takes another.
    while (!takeFromSlice(units)) await reserve(units, unitsPerSecond);
    return clock.nowMs() - askedAtMs;
  }

  return {
    admit(units, unitsPerSecond) {
      if (unitsPerSecond === null) return Promise.resolve(0);
      const admitted = turn.then(() => admitNow(units, unitsPerSecond));
      turn = admitted.catch(() => undefined);
      return admitted;
    },
  };
}
