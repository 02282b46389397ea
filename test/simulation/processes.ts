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

/** Without a stack: tens of thousands of them are thrown, and each says where it was. */
function simulatedFault(message: string): SimulatedFault {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const fault = new SimulatedFault(message);
  Error.stackTraceLimit = stackTraceLimit;
  return fault;
}

const noFault = (): null => null;

export interface Processes {
  /** Runs `work` in a process of its own until it returns, throws or dies. */
  spawn<Result>(work: (process: Process) => Promise<Result>): Promise<Ending<Result>>;
  /** How many have not ended yet, frozen ones among them. */
  running(): number;
}

export function makeProcesses(scheduler: Scheduler, faults: Faults, random: Random): Processes {
  let throttledUntilMs = 0;
  let running = 0;
  const isThrottled = (): boolean => {
    if (faults.happens('throttle')) throttledUntilMs = scheduler.nowMs() + 2_000 * random.next();
    return faults.enabled && scheduler.nowMs() < throttledUntilMs && random.next() < 0.5;
  };
  const faultAt = (point: string): SimulatedFault | null => {
    const isRead = point.endsWith(':read');
    const isCall = isRead || point.endsWith(':call');
    const isReply = isRead || point.endsWith(':reply');
    if (isCall && isThrottled()) return simulatedFault(`throttled at ${point}`);
    if (isCall && faults.happens('requestLost')) return simulatedFault(`request lost at ${point}`);
    if (isReply && faults.happens('replyLost')) return simulatedFault(`reply lost at ${point}`);
    const isBetween = !isCall && !isReply;
    return isBetween && faults.happens('partialBatch') ? simulatedFault(`batch cut at ${point}`) : null;
  };
  return {
    running: () => running,
    spawn: (work) =>
      new Promise((resolveEnding) => {
        running += 1;
        const resolve: typeof resolveEnding = (ending) => {
          running -= 1;
          resolveEnding(ending);
        };
        const skewMs = faults.happens('clockSkew') ? (random.next() - 0.5) * 20_000 : 0;
        let dead = false;
        /** Every wait of the process: it may be dead by then, or die there, or be answered with a fault. */
        const wait = (durationMs: number, faultThen: () => SimulatedFault | null): Promise<void> =>
          new Promise((goOn, fail) => {
            scheduler.at(durationMs, () => {
              if (dead) return;
              if (faults.happens('crash')) {
                dead = true;
                resolve({ kind: 'died' });
                return;
              }
              const fault = faultThen();
              if (fault === null) goOn();
              else fail(fault);
            });
          });
        const interleave: Interleave = (point) => wait(latencyMs(faults, random), () => faultAt(point));
        const process: Process = {
          interleave,
          clock: { nowMs: () => Math.floor(scheduler.nowMs() + skewMs) },
          sleeper: { sleep: (durationMs) => wait(durationMs, noFault) },
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
