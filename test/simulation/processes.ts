import type { Clock, Sleeper } from '../../lib/kernel/clock.ts';
import type { Random } from '../../lib/kernel/random.ts';
import type { Interleave } from '../../lib/memory/interleave.ts';
import type { Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';

/** One Lambda invocation, operator or client: everything it waits for can be its end. */
export interface Process {
  readonly interleave: Interleave;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
}

export type Ending<Result> =
  | { readonly kind: 'returned'; readonly result: Result }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'died' };

class SimulatedFault extends Error {}

const never = new Promise<never>(() => undefined);

export interface Processes {
  /** Runs `work` in a process of its own until it returns, throws or dies. */
  spawn<Result>(work: (process: Process) => Promise<Result>): Promise<Ending<Result>>;
  /** How many have not ended yet, frozen ones among them. */
  running(): number;
}

export function makeProcesses(scheduler: Scheduler, faults: Faults, random: Random): Processes {
  let throttledUntilMs = 0;
  let running = 0;
  return {
    running: () => running,
    spawn: (work) =>
      new Promise((resolveEnding) => {
        running += 1;
        const resolve: typeof resolveEnding = (ending) => {
          running -= 1;
          resolveEnding(ending);
        };
        let dead = false;
        const skewMs = faults.happens('clockSkew') ? (random.next() - 0.5) * 20_000 : 0;
        const die = (): Promise<never> => {
          dead = true;
          resolve({ kind: 'died' });
          return never;
        };
        const pause = async (durationMs: number): Promise<void> => {
          await scheduler.sleep(durationMs);
          if (dead) await never;
          if (faults.happens('crash')) await die();
        };
        const interleave: Interleave = async (point) => {
          await pause(latencyMs(faults, random));
          if (point.endsWith(':call')) {
            if (faults.happens('throttle')) throttledUntilMs = scheduler.nowMs() + 2_000 * random.next();
            if (faults.enabled && scheduler.nowMs() < throttledUntilMs && random.next() < 0.5) {
              throw new SimulatedFault(`throttled at ${point}`);
            }
            if (faults.happens('requestLost')) throw new SimulatedFault(`request lost at ${point}`);
          } else if (point.endsWith(':reply')) {
            if (faults.happens('replyLost')) throw new SimulatedFault(`reply lost at ${point}`);
          } else if (faults.happens('partialBatch')) {
            throw new SimulatedFault(`batch cut at ${point}`);
          }
        };
        const process: Process = {
          interleave,
          clock: { nowMs: () => Math.floor(scheduler.nowMs() + skewMs) },
          sleeper: { sleep: pause },
        };
        work(process).then(
          (result) => {
            resolve({ kind: 'returned', result });
          },
          (error: unknown) => {
            resolve({ kind: 'threw', error });
          },
        );
      }),
  };
}

function latencyMs(faults: Faults, random: Random): number {
  if (faults.happens('freeze')) return 5_000 + 85_000 * random.next();
  if (faults.happens('slowReply')) return 100 + 4_900 * random.next();
  return 1 + 9 * random.next();
}
