import { expect, test } from 'vitest';

import { verifyRollback } from '../../../lib/rollback/verify-rollback.ts';
import type { MetricReading } from '../../../lib/monitoring/ports.ts';
import type { Routes } from '../../../lib/router/routes.ts';

/** Requests that hierarchical served, by the moment in milliseconds; flat serves all the time. */
async function look(hierarchicalAtMs: readonly number[]) {
  let nowMs = 0;
  const reading = (value: number): MetricReading => ({ value, newestAtMs: nowMs, source: 'test' });
  return await verifyRollback(
    {
      clock: { nowMs: () => nowMs },
      sleeper: {
        sleep: (durationMs) => {
          nowMs += durationMs;
          return Promise.resolve();
        },
      },
      routes: {
        read: () => Promise.resolve({ killSwitch: false, trafficThousandths: 0 } as Routes),
      } as never,
      metrics: {
        read: (_queries, { startMs, endMs }) =>
          Promise.resolve(
            new Map([
              ['flat', reading(nowMs > startMs ? 50 : 0)],
              [
                'hierarchical',
                reading(hierarchicalAtMs.filter((atMs) => atMs >= startMs && atMs < endMs).length),
              ],
            ]),
          ),
      },
      patienceMs: 20_000,
    },
    0,
  );
}

test('a rollback is confirmed when flat serves and hierarchical does not', async () => {
  expect(await look([])).toMatchObject({ confirmed: true, hierarchicalRequests: 0 });
});

test('stragglers after the routes were written are waited out', async () => {
  expect(await look([3_100, 3_900, 4_400])).toMatchObject({ confirmed: true });
});

test('requests that go on reaching hierarchical are never confirmed', async () => {
  const everySecond = Array.from({ length: 60 }, (_, second) => 1_000 * second + 500);

  expect(await look(everySecond)).toMatchObject({ confirmed: false });
});
