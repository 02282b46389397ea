import type { Clock } from '../../kernel/clock.ts';

const mostRounds = 8;
const shortEnoughMs = 200;

/**
 * Repeats what will be done once more behind the fence. While it is done more comes, but each round has less to do
 * than the one before; it ends with a short one, or one that was no shorter.
 */
export async function untilShort(clock: Clock, round: () => Promise<void>): Promise<void> {
  let shortestMs = Number.POSITIVE_INFINITY;
  for (let count = 0; count < mostRounds; count += 1) {
    const startedAtMs = clock.nowMs();
    await round();
    const tookMs = clock.nowMs() - startedAtMs;
    if (tookMs <= shortEnoughMs || tookMs >= shortestMs) return;
    shortestMs = tookMs;
  }
}
