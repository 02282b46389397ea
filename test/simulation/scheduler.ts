import type { Clock, Sleeper } from '../../lib/kernel/clock.ts';

/** Virtual time: nothing waits for real, and the order of events is a function of the seed alone. */
export interface Scheduler extends Clock, Sleeper {
  at(delayMs: number, action: () => void): void;
  /** Runs events in order of time until `isDone`, or until nothing is left to happen. */
  run(isDone: () => boolean): Promise<void>;
  readonly steps: () => number;
}

const nextTurn = Promise.resolve();

interface ScheduledEvent {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

export function makeScheduler(): Scheduler {
  const heap = makeHeap();
  let nowMs = 1_700_000_000_000;
  let order = 0;
  let steps = 0;
  const at = (delayMs: number, action: () => void): void => {
    order += 1;
    heap.push({ atMs: nowMs + Math.max(0, delayMs), order, action });
  };
  return {
    nowMs: () => nowMs,
    steps: () => steps,
    at,
    sleep: (durationMs) =>
      new Promise((resolve) => {
        at(durationMs, resolve);
      }),
    async run(isDone) {
      while (!isDone()) {
        let event = heap.pop();
        if (event === undefined) {
          // Whatever the last event set in motion may still be on its way to its next wait.
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
          event = heap.pop();
          if (event === undefined) return;
        }
        nowMs = event.atMs;
        steps += 1;
        event.action();
        // A few turns of the microtask queue: enough for most continuations, and always the same number.
        for (let turn = 0; turn < 4; turn += 1) await nextTurn;
      }
    },
  };
}

interface Heap {
  push(event: ScheduledEvent): void;
  pop(): ScheduledEvent | undefined;
}

function makeHeap(): Heap {
  const events: ScheduledEvent[] = [];
  const before = (left: number, right: number): boolean => {
    const [a, b] = [events[left]!, events[right]!];
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  };
  const swap = (left: number, right: number): void => {
    [events[left], events[right]] = [events[right]!, events[left]!];
  };
  return {
    push(event) {
      let at = events.push(event) - 1;
      while (at > 0 && before(at, (at - 1) >> 1)) {
        swap(at, (at - 1) >> 1);
        at = (at - 1) >> 1;
      }
    },
    pop() {
      const top = events[0];
      const last = events.pop();
      if (top === undefined || last === undefined || events.length === 0) return top;
      events[0] = last;
      for (let at = 0; ;) {
        let next = 2 * at + 1;
        if (next >= events.length) break;
        if (next + 1 < events.length && before(next + 1, next)) next += 1;
        if (!before(next, at)) break;
        swap(next, at);
        at = next;
      }
      return top;
    },
  };
}
