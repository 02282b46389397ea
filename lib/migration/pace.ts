/** Spreads work evenly over time: what begins in any second is never more than the rate, begun in whole portions. */
export interface Pace {
  /** How long to wait before `amount` may begin, in milliseconds; the time for it is taken at once. */
  delayMs(amount: number, perSecond: number | null, nowMs: number): number;
}

export function makePace(): Pace {
  let freeFromMs = 0;
  return {
    delayMs(amount, perSecond, nowMs) {
      if (perSecond === null) return 0;
      const startMs = Math.max(nowMs, freeFromMs);
      freeFromMs = startMs + (amount / perSecond) * 1_000;
      return startMs - nowMs;
    },
  };
}

/** A store that refused for lack of throughput, as a worker saw it. */
export interface Throttling {
  /** Table, and where the store says more, the resource that it names. */
  readonly who: string;
  /** Code of the store, with its reason where it gives one. */
  readonly why: string;
  readonly atMs: number;
}

/**
 * Answers throttling: halves the rate at most once a second, then adds a twentieth of the former rate each second
 * until that is reached again. In write units per second.
 */
export interface AdaptivePace {
  /** Null while nothing has to be held back. */
  rate(nowMs: number): number | null;
  used(units: number, nowMs: number): void;
  throttled(nowMs: number): void;
}

const leastRate = 25;
const recovery = 1 / 20;

export function makeAdaptivePace(): AdaptivePace {
  let halved: { readonly atMs: number; readonly rate: number; readonly former: number } | null = null;
  let second = { startMs: 0, units: 0, lastUnits: 0 };

  function rate(nowMs: number): number | null {
    if (halved === null) return null;
    const grown = halved.rate + halved.former * recovery * Math.max(0, (nowMs - halved.atMs) / 1_000);
    if (grown < halved.former) return grown;
    halved = null;
    return null;
  }

  return {
    rate,
    used(units, nowMs) {
      if (nowMs - second.startMs >= 1_000) {
        second = { startMs: nowMs, units: 0, lastUnits: nowMs - second.startMs < 2_000 ? second.units : 0 };
      }
      second = { ...second, units: second.units + units };
    },
    throttled(nowMs) {
      if (halved !== null && nowMs - halved.atMs < 1_000) return;
      const present = rate(nowMs) ?? Math.max(second.units, second.lastUnits);
      const former = Math.max(present, leastRate);
      halved = { atMs: nowMs, rate: Math.max(leastRate, former / 2), former };
    },
  };
}
