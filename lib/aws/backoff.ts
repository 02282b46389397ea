import { setTimeout as delay } from 'node:timers/promises';

import type { Sleeper } from '../kernel/clock.ts';

/** The machine's own timer. */
export const realSleeper: Sleeper = {
  async sleep(durationMs) {
    await delay(durationMs);
  },
};

const firstDelayMs = 20;
const longestDelayMs = 2_000;

/** Exponential delay of the attempt-th repetition (0 is the first), with full jitter so that workers spread out. */
export function backoffMs(attempt: number): number {
  const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** attempt);
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
