import { describe, expect, it } from 'vitest';

import { seededRandom } from '../../../lib/kernel/random.ts';
import { makeMemoryBudgetLine } from '../../../lib/memory/budget-line.ts';
import { makeMemorySettingsStore } from '../../../lib/memory/settings-store.ts';
import { makeMemoryTargetStore } from '../../../lib/memory/target-store.ts';
import { makeMemoryWorkerSlots } from '../../../lib/memory/worker-slots.ts';
import { makeMemoryWorld } from '../../../lib/memory/world.ts';
import { makeBudgetGate } from '../../../lib/migration/budget-gate.ts';
import { makeAdaptivePace, makePace } from '../../../lib/migration/pace.ts';
import { makeWorkerThrottle, unitsOf } from '../../../lib/migration/worker-throttle.ts';
import { summarizeWorkers } from '../../../lib/migration/worker-report.ts';
import { busiestSecond, type Consumption } from '../../support/consumed-units.ts';
import { aRecord } from '../../support/state-records.ts';
import { virtualTime } from '../../support/virtual-time.ts';

/** Many workers with records of many sizes, answers that take their time, and sandboxes that freeze. */
function workersUnderBudget(given: { unitsPerSecond: number; workers: number; seed: number }) {
  const time = virtualTime();
  const { clock, sleeper } = time;
  const seeded = seededRandom(given.seed);
  const random = (): number => seeded.next();
  const world = makeMemoryWorld();
  const log: Consumption[] = [];
  world.onRecordPut = (_pk, record) => log.push({ atMs: clock.nowMs(), units: unitsOf(record) });
  const onTheWay = async (point: string): Promise<void> => {
    if (!point.endsWith(':record')) await sleeper.sleep(Math.floor(random() * 80));
  };
  const settings = makeMemorySettingsStore();
  const line = makeMemoryBudgetLine(onTheWay);
  const slots = makeMemoryWorkerSlots();
  const sometimesFrozen = {
    sleep: async (durationMs: number) => {
      await sleeper.sleep(durationMs);
      if (random() < 0.05) await sleeper.sleep(300 + random() * 3_000);
    },
  };
  async function work(worker: number, batches: number): Promise<void> {
    const throttle = makeWorkerThrottle({ settings, line, slots, clock, sleeper: sometimesFrozen });
    const target = throttle.gated(makeMemoryTargetStore(world, onTheWay), 'copy');
    for (let batch = 0; batch < batches; batch += 1) {
      await throttle.refresh();
      const records = Array.from({ length: 25 }, (_, at) => {
        const kilobytes = random() < 0.02 ? 399 * random() : 3 * random();
        return aRecord({ id: `${worker}-${batch}-${at}`, body: 'x'.repeat(Math.floor(kilobytes * 1_024)) });
      });
      await target.insertIfAbsent(records);
    }
  }
  return {
    settings,
    clock,
    log,
    async run(batches: number) {
      await settings.change({ writeUnitsPerSecond: given.unitsPerSecond });
      const startedAtMs = clock.nowMs();
      const all = Array.from({ length: given.workers }, (_, worker) => work(worker, batches));
      await time.runUntil(Promise.all(all));
      const seconds = (clock.nowMs() - startedAtMs) / 1_000;
      const units = log.reduce((sum, entry) => sum + entry.units, 0);
      return { busiest: busiestSecond(log), perSecond: units / seconds };
    },
  };
}

describe('the common budget of write units', () => {
  it.each([
    { unitsPerSecond: 1_000, workers: 40, batches: 2, seed: 1 },
    { unitsPerSecond: 4_000, workers: 30, batches: 8, seed: 2 },
    { unitsPerSecond: 40_000, workers: 60, batches: 20, seed: 3 },
  ])(
    'is kept in every window of a second by $workers workers with $unitsPerSecond units',
    async ({ batches, ...given }) => {
      const { busiest, perSecond } = await workersUnderBudget(given).run(batches);

      expect(busiest).toBeLessThanOrEqual(given.unitsPerSecond);
      expect(perSecond).toBeGreaterThan(given.unitsPerSecond / 4);
    },
  );
});

describe('a sandbox that froze after its reservation', () => {
  it('does not write what was reserved for a time that is over', async () => {
    const time = virtualTime(0);
    const { clock, sleeper } = time;
    const line = makeMemoryBudgetLine();
    const thawedAtMs = 30_000;
    const frozen = { sleep: (ms: number) => sleeper.sleep(Math.max(ms, thawedAtMs - clock.nowMs())) };
    const log: Consumption[] = [];
    const gates = Array.from({ length: 40 }, () => makeBudgetGate({ line, clock, sleeper: frozen }));

    await time.runUntil(
      Promise.all(
        gates.map(async (gate) => {
          await gate.admit(100, 1_000);
          log.push({ atMs: clock.nowMs(), units: 100 });
        }),
      ),
    );

    expect(log.length).toBe(40);
    expect(busiestSecond(log)).toBeLessThanOrEqual(1_000);
  });
});

describe('the limit of one worker', () => {
  it('lets no more records begin in any second than the limit', () => {
    const pace = makePace();
    const log: Consumption[] = [];
    let nowMs = 0;
    for (let batch = 0; batch < 40; batch += 1) {
      nowMs += pace.delayMs(25, 100, nowMs);
      log.push({ atMs: nowMs, units: 25 });
    }

    expect(busiestSecond(log)).toBe(100);
    expect(nowMs).toBe(9_750);
  });

  it('changes while the worker runs, and is told with what held it back', async () => {
    const time = virtualTime();
    const { clock, sleeper } = time;
    const settings = makeMemorySettingsStore();
    const slots = makeMemoryWorkerSlots();
    const throttle = makeWorkerThrottle({ settings, line: makeMemoryBudgetLine(), slots, clock, sleeper });
    const target = throttle.gated(makeMemoryTargetStore(makeMemoryWorld()), 'copy');
    const writePage = async (page: number) => {
      for (let batch = 0; batch < 8; batch += 1) {
        await target.insertIfAbsent(
          Array.from({ length: 25 }, (_, at) => aRecord({ id: `${page}/${batch}/${at}` })),
        );
      }
      await throttle.reportPage({ read: 200 });
    };
    const reportAfter = async (page: number) => {
      await time.runUntil(writePage(page));
      return summarizeWorkers(await slots.list(), clock.nowMs());
    };

    await settings.change({ rateLimitPerWorker: 100 });
    await throttle.enter('worker');
    const slow = await reportAfter(1);
    await settings.change({ rateLimitPerWorker: 1_000 });
    await throttle.refresh();
    await reportAfter(2);
    const quick = await reportAfter(3);

    expect(slow.active).toMatchObject([{ heldBackBy: 'rate-limit' }]);
    expect(slow.recordsPerSecond).toBeLessThanOrEqual(115);
    expect(quick.recordsPerSecond).toBeGreaterThan(900);
    expect(quick.recordsPerSecond).toBeLessThanOrEqual(1_000);
  });
});

describe('a store that refuses for lack of throughput', () => {
  it('halves the rate once a second, and gets it back bit by bit', () => {
    const pace = makeAdaptivePace();
    for (let ms = 0; ms < 2_000; ms += 100) pace.used(100, ms);

    pace.throttled(2_000);
    pace.throttled(2_100);
    expect(pace.rate(2_100)).toBeCloseTo(505, 0);
    pace.throttled(3_000);
    expect(pace.rate(3_000)).toBeCloseTo(275, 0);

    expect(pace.rate(7_000)).toBeGreaterThan(300);
    expect(pace.rate(20_000)).toBeNull();
  });

  it('is named with its reason, beside who was refused', async () => {
    const time = virtualTime();
    const { clock, sleeper } = time;
    const slots = makeMemoryWorkerSlots();
    const settings = makeMemorySettingsStore();
    const throttle = makeWorkerThrottle({ settings, line: makeMemoryBudgetLine(), slots, clock, sleeper });
    await throttle.enter('worker-a');

    throttle.throttled({ who: 'hal9-migrate-state', why: 'ProvisionedThroughputExceeded for 3 of 25 items' });
    await throttle.reportPage({ read: 10 });

    const summary = summarizeWorkers(await slots.list(), clock.nowMs());
    expect(summary.throttlings).toEqual([
      {
        slot: 0,
        who: 'hal9-migrate-state',
        why: 'ProvisionedThroughputExceeded for 3 of 25 items',
        atMs: clock.nowMs(),
      },
    ]);
  });
});
