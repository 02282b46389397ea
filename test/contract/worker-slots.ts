import { describe, expect, it } from 'vitest';

import type { SlotReport, WorkerSlots } from '../../lib/migration/worker-report.ts';

const leaseMs = 30_000;

function aReport(atMs: number): SlotReport {
  return {
    atMs,
    recordsPerSecond: 100,
    writeUnitsPerSecond: 120,
    writeUnits: 60,
    heldBackBy: 'rate-limit',
    throttlings: 0,
    lastThrottling: null,
  };
}

export function workerSlotsContract(name: string, makeAdapter: () => Promise<WorkerSlots>): void {
  describe(`worker slots: ${name}`, () => {
    it('lets as many workers in as there are slots, and the next when one leaves', async () => {
      const slots = await makeAdapter();

      const taken = await Promise.all(
        ['a', 'b', 'c', 'd'].map((owner) => slots.take(owner, 3, 1_000, leaseMs)),
      );

      expect(taken.filter((slot) => slot !== null).toSorted((left, right) => left - right)).toEqual([
        0, 1, 2,
      ]);
      const refused = ['a', 'b', 'c', 'd'][taken.indexOf(null)] ?? '';
      const first = ['a', 'b', 'c', 'd'][taken.indexOf(0)] ?? '';
      await slots.leave(0, 'nobody');
      expect(await slots.take(refused, 3, 1_000, leaseMs)).toBeNull();
      await slots.leave(0, first);
      expect(await slots.take(refused, 3, 1_000, leaseMs)).toBe(0);
    });

    it('gives the slot of a worker that was killed to another when its lease ends', async () => {
      const slots = await makeAdapter();
      await slots.take('killed', 1, 1_000, leaseMs);

      expect(await slots.take('next', 1, 1_000 + leaseMs - 1, leaseMs)).toBeNull();
      expect(await slots.take('next', 1, 1_000 + leaseMs, leaseMs)).toBe(0);

      expect(await slots.report(0, 'killed', aReport(40_000), leaseMs)).toBe(false);
      expect(await slots.list()).toEqual([]);
    });

    it('renews the lease with every report, and keeps the last one of each slot', async () => {
      const slots = await makeAdapter();
      await slots.take('a', 2, 1_000, leaseMs);
      await slots.take('b', 2, 1_000, leaseMs);

      await slots.report(0, 'a', aReport(10_000), leaseMs);
      await slots.report(0, 'a', aReport(20_000), leaseMs);
      await slots.report(1, 'b', aReport(5_000), leaseMs);
      await slots.leave(1, 'b');

      expect(await slots.take('c', 1, 40_000, leaseMs)).toBeNull();
      expect(await slots.list()).toEqual([
        { ...aReport(20_000), slot: 0, owner: 'a', totalWriteUnits: 120 },
        { ...aReport(5_000), slot: 1, owner: 'b', totalWriteUnits: 60 },
      ]);
    });
  });
}
