import { HalError } from '../../lib/kernel/errors.ts';
import type { EngineFault, Scheduler } from './ports.ts';
import { realSleep } from './virtual-clock.ts';

const unitMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const shortestIntervalMs = 1000;

/** Real milliseconds between two runs of `rate(5 minutes)`. Throws `UnsupportedSchedule` for anything else. */
export function scheduleIntervalMs(rate: string, timeScale: number): number {
  const [, count = '', unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/u.exec(rate.trim()) ?? [];
  const unscaledMs = Number(count) * (unitMs[unit] ?? 0);
  if (unscaledMs <= 0) {
    throw new HalError({
      name: 'UnsupportedSchedule',
      message: `the local cloud cannot run the schedule ${rate}`,
      remedy: 'use a rate of minutes, hours or days, such as rate(5 minutes)',
      exit: 'usage',
      facts: { rate },
    });
  }
  return Math.max(shortestIntervalMs, unscaledMs / timeScale);
}

export function makeScheduler(deps: {
  readonly timeScale: number;
  readonly onFault: (fault: EngineFault) => void;
}): Scheduler & { close(): Promise<void> } {
  const stopped = new AbortController();
  const loops: Promise<void>[] = [];

  const loop = async (name: string, intervalMs: number, run: () => Promise<void>): Promise<void> => {
    for (;;) {
      await realSleep(intervalMs, stopped.signal);
      if (stopped.signal.aborted) {
        return;
      }
      await run().catch((error: unknown) => {
        deps.onFault({ engine: 'schedule', message: `${name}: ${String(error)}` });
      });
    }
  };

  return {
    every(name, rate, run) {
      loops.push(loop(name, scheduleIntervalMs(rate, deps.timeScale), run));
    },
    async close() {
      stopped.abort();
      await Promise.all(loops);
    },
  };
}
