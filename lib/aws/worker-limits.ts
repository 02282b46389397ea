import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Clock } from '../kernel/clock.ts';
import { makeWorkerThrottle, type WorkerThrottle } from '../migration/worker-throttle.ts';
import { realSleeper } from './backoff.ts';
import { makeBudgetLine } from './budget-line.ts';
import { makeSettingsStore } from './settings-store.ts';
import { watchThrottling } from './throttle-watch.ts';
import { makeWorkerSlots } from './worker-slots.ts';

/** The limits of one function's sandbox, as the progress table holds them for all; watches `client` for refusals. */
export function limitWorker(deps: { client: DynamoDBClient; table: string; clock: Clock }): WorkerThrottle {
  const { client, table, clock } = deps;
  const throttle = makeWorkerThrottle({
    settings: makeSettingsStore({ client, table }),
    line: makeBudgetLine({ client, table }),
    slots: makeWorkerSlots({ client, table }),
    clock,
    sleeper: realSleeper,
  });
  watchThrottling(client, (throttling) => throttle.throttled(throttling));
  return throttle;
}
