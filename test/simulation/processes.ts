import type { Clock, Sleeper } from '../../lib/kernel/clock.ts';
import type { Random } from '../../lib/kernel/random.ts';
import type { Interleave } from '../../lib/memory/interleave.ts';
import type { Faults } from './faults.ts';
import { credentialsExpired, isBetween, makeNetwork } from './network.ts';
import type { Scheduler } from './scheduler.ts';

/** One Lambda invocation, operator or client: everything it waits for can be its end. */
export interface Process {
  readonly interleave: Interleave;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
  /** Two versions of the product are at work while it is being upgraded, or taken back. */
  readonly version: 'present' | 'other';
}

export type Ending<Result> =
  | { readonly kind: 'returned'; readonly result: Result }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'died' };

export interface Processes {
  /** Runs `work` in a process of its own until it returns, throws or dies. */
  spawn<Result>(work: (process: Process) => Promise<Result>): Promise<Ending<Result>>;
  /** How many have not ended yet, frozen ones among them. */
  running(): number;
}

export function makeProcesses(scheduler: Scheduler, faults: Faults, random: Random): Processes {
  const network = makeNetwork(scheduler, faults, random);
  let running = 0;
  return {
    running: () => running,
    spawn: (work) =>
      new Promise((resolveEnding) => {
        running += 1;
        let dead = false;
        const resolve: typeof resolveEnding = (ending) => {
          if (dead) return;
          dead = true;
          running -= 1;
          resolveEnding(ending);
        };
        const expiresAtMs = faults.happens('credentialsExpired')
          ? scheduler.nowMs() + 3_000 * random.next()
          : Number.POSITIVE_INFINITY;
        /** Every wait of the process: it may be dead by then, or die there, or be answered with a fault. */
        const wait = (durationMs: number, point: string | null): Promise<void> =>
          new Promise((goOn, fail) => {
            scheduler.at(durationMs, () => {
              if (dead) return;
              const isKilled =
                faults.happens('crash') ||
                (point !== null && isBetween(point) && faults.happens('outOfMemory'));
              if (isKilled) {
                resolve({ kind: 'died' });
                return;
              }
              if (point !== null && scheduler.nowMs() >= expiresAtMs) {
                fail(credentialsExpired(point));
                return;
              }
              const fault = point === null ? null : network.faultAt(point);
              if (fault === null) goOn();
              else fail(fault);
            });
          });
        const process: Process = {
          interleave: (point) => wait(network.latencyMs(), point),
          clock: clockOf(scheduler, faults, random),
          sleeper: { sleep: (durationMs) => wait(durationMs, null) },
          version: faults.happens('twoVersions') ? 'other' : 'present',
        };
        work(process).then(
          (result) => {
            // All the work is done, and nobody learns of it.
            resolve(faults.happens('timeoutBeforeAck') ? { kind: 'died' } : { kind: 'returned', result });
          },
          (error: unknown) => {
            resolve({ kind: 'threw', error });
          },
        );
      }),
  };
}

/** Wrong by some seconds as a rule, by five minutes at worst, and some jump in the middle of what they measure. */
function clockOf(scheduler: Scheduler, faults: Faults, random: Random): Clock {
  const skewMs = faults.happens('clockSkew') ? 300_000 * (2 * random.next() - 1) ** 5 : 0;
  if (!faults.happens('clockJump')) return { nowMs: () => Math.floor(scheduler.nowMs() + skewMs) };
  const jumpAtMs = scheduler.nowMs() + 2_000 * random.next();
  const jumpMs = 120_000 * (2 * random.next() - 1) ** 3;
  return {
    nowMs() {
      const nowMs = scheduler.nowMs();
      return Math.floor(nowMs + skewMs + (nowMs >= jumpAtMs ? jumpMs : 0));
    },
  };
}
