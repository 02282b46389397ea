import type { ServerResponse } from 'node:http';

import type { Sleeper } from '../../lib/kernel/clock.ts';
import type { Random } from '../../lib/kernel/random.ts';

/** What is wrong with a service on purpose, and with which part (0..1) of its requests. */
export interface Fault {
  readonly kind: 'errors' | 'latency' | 'hang' | 'health';
  readonly rate: number;
  readonly latencyMs: number;
}

/** How a request goes on. `fail-after`: it has its effect and the user is told that it failed. */
type FaultVerdict = 'proceed' | 'fail-before' | 'fail-after' | 'abandoned';

export interface Faults {
  inject(fault: Fault): void;
  clear(): void;
  current(): Fault | null;
  /** Delays or fails the request as the present fault says; `abandoned` when the client went away meanwhile. */
  meet(response: ServerResponse): Promise<FaultVerdict>;
}

export function makeFaults(deps: { random: Random; sleeper: Sleeper }): Faults {
  let fault: Fault | null = null;
  let cleared = Promise.withResolvers<void>();
  const change = (next: Fault | null): void => {
    fault = next;
    // Requests that hang go on as soon as the fault is another one.
    cleared.resolve();
    cleared = Promise.withResolvers<void>();
  };
  return {
    inject: change,
    clear: () => change(null),
    current: () => fault,
    async meet(response) {
      if (fault === null || fault.kind === 'health' || deps.random.next() >= fault.rate) return 'proceed';
      if (fault.kind === 'errors') return deps.random.next() < 0.5 ? 'fail-before' : 'fail-after';
      const over = fault.kind === 'hang' ? cleared.promise : deps.sleeper.sleep(fault.latencyMs);
      await Promise.race([over, closed(response)]);
      // The client may have sent the request elsewhere since; doing it now could undo what came after.
      return response.destroyed ? 'abandoned' : 'proceed';
    },
  };
}

function closed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve);
  });
}
