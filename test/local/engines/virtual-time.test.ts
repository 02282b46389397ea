import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { makeScheduler, scheduleIntervalMs } from '../../../local/engines/scheduler.ts';
import { makeVirtualClock, realSleep } from '../../../local/engines/virtual-clock.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

test('an hour of sleep takes a real minute at scale 60 and moves the clock by an hour', async () => {
  const clock = makeVirtualClock({ timeScale: 60 });
  const slept = clock.sleep(3_600_000);

  await vi.advanceTimersByTimeAsync(60_000);
  await slept;

  expect(clock.nowMs()).toBe(1_000_000 + 3_600_000);
});

test('sleepers side by side do not add up, and the clock never goes back', async () => {
  const clock = makeVirtualClock({ timeScale: 60 });
  const slept = Promise.all([clock.sleep(3_600_000), clock.sleep(3_600_000), clock.sleep(60_000)]);

  await vi.advanceTimersByTimeAsync(60_000);
  await slept;
  clock.jumpTo(0);

  expect(clock.nowMs()).toBe(1_000_000 + 3_600_000);
});

test('an interrupted sleep leaves the clock where it is', async () => {
  const clock = makeVirtualClock({ timeScale: 60 });
  const interrupt = new AbortController();
  const slept = clock.sleep(3_600_000, interrupt.signal);

  interrupt.abort();
  await slept;

  expect(clock.offsetMs()).toBe(0);
});

test('a sleep of years does not overflow the timers', async () => {
  let done = false;
  const days = 60;
  void realSleep(days * 86_400_000).then(() => (done = true));

  await vi.advanceTimersByTimeAsync((days - 1) * 86_400_000);
  const early = done;
  await vi.advanceTimersByTimeAsync(86_400_000);

  expect([early, done]).toEqual([false, true]);
});

test('a schedule shrinks with the scale down to one second', () => {
  expect(scheduleIntervalMs('rate(5 minutes)', 1)).toBe(300_000);
  expect(scheduleIntervalMs('rate(1 minute)', 10)).toBe(6000);
  expect(scheduleIntervalMs('rate(1 minute)', 1000)).toBe(1000);
  expect(() => scheduleIntervalMs('cron(0 * * * ? *)', 1)).toThrow(/cannot run the schedule/u);
});

test('a rule runs on and on, never twice at a time, and a failure does not end it', async () => {
  const faults: string[] = [];
  const scheduler = makeScheduler({ timeScale: 60, onFault: (fault) => faults.push(fault.message) });
  let runs = 0;
  scheduler.every('relay', 'rate(1 minute)', async () => {
    runs += 1;
    await realSleep(runs === 1 ? 10_000 : 0);
    throw new Error(`run ${runs}`);
  });

  await vi.advanceTimersByTimeAsync(10_500);
  const whileRunning = runs;
  await vi.advanceTimersByTimeAsync(2000);
  const closed = scheduler.close();
  await vi.advanceTimersByTimeAsync(5000);
  await closed;

  expect(whileRunning).toBe(1);
  expect(runs).toBe(2);
  expect(faults).toEqual(['relay: Error: run 1', 'relay: Error: run 2']);
});
