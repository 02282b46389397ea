import type { Clock, Sleeper } from '../../lib/kernel/clock.ts';

/** Time that stands still while anybody works, and then goes on to the next moment somebody waits for. */
export function virtualTime(startMs = 1_000_000) {
  let nowMs = startMs;
  const waiting: { atMs: number; wake: () => void }[] = [];
  const clock: Clock = { nowMs: () => nowMs };
  const sleeper: Sleeper = {
    sleep: (durationMs) =>
      new Promise((wake) => {
        waiting.push({ atMs: nowMs + durationMs, wake });
      }),
  };
  return {
    clock,
    sleeper,
    /** Lets everything run until the work is done. */
    async runUntil<Result>(work: Promise<Result>): Promise<Result> {
      let isDone = false;
      const settled = work.finally(() => (isDone = true));
      settled.catch(() => undefined);
      for (;;) {
        await new Promise(setImmediate);
        if (isDone) return await settled;
        const next = waiting.toSorted((left, right) => left.atMs - right.atMs)[0];
        if (next === undefined) continue;
        waiting.splice(waiting.indexOf(next), 1);
        nowMs = Math.max(nowMs, next.atMs);
        next.wake();
      }
    },
  };
}
