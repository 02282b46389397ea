import { beforeEach, describe, expect, it } from 'vitest';

import type { Clock } from '../../lib/kernel/clock.ts';
import { eachRange } from '../../lib/migration/backfill-progress.ts';
import type { RangeState, RangeStore, RangeTask } from '../../lib/migration/ports.ts';

const counts = { read: 2, written: 1, kept: 1, quarantined: 0 };

function aRange(rangeId: string, recordType = 'session'): RangeTask {
  return {
    runId: 'run',
    rangeId,
    category: 'user-sessions',
    recordType,
    range: { after: ['a', 1n], upTo: null, segment: { index: 1, count: 3 } },
  };
}

/** Leases with fences and checkpoints. `makeAdapter` gets the clock that its leases follow. */
export function rangeStoreContract(name: string, makeAdapter: (clock: Clock) => Promise<RangeStore>): void {
  describe(`range store: ${name}`, () => {
    let ranges: RangeStore;
    let nowMs: number;
    beforeEach(async () => {
      nowMs = 1_000_000;
      ranges = await makeAdapter({ nowMs: () => nowMs });
      await ranges.plan([aRange('r1'), aRange('r2')]);
    });
    const acquire = async (rangeId = 'r1') => {
      const lease = await ranges.acquire(rangeId, 'me', 60_000);
      if (lease.kind !== 'acquired') throw new Error(lease.kind);
      return lease.range;
    };

    const listAll = async (runId: string, recordType: string): Promise<RangeState[]> => {
      const found: RangeState[] = [];
      for await (const range of eachRange(ranges, runId, recordType)) found.push(range);
      return found;
    };

    it('knows the run that was started last', async () => {
      expect(await ranges.currentRun()).toBeNull();

      await ranges.startRun('one');
      await ranges.startRun('two');

      expect(await ranges.currentRun()).toBe('two');
    });

    it('knows how many ranges were planned once the plan is closed', async () => {
      expect(await ranges.plannedRangeCount('run', 'session')).toBeNull();

      await ranges.closePlan('run', 'session', 2);

      expect(await ranges.plannedRangeCount('run', 'session')).toBe(2);
    });

    it('remembers the totals of a finished plan until it is closed anew, and of no other plan', async () => {
      const totals = { plannedRanges: 2, completeRanges: 2, counts };
      await ranges.rememberFinished('run', 'session', totals);
      expect(await ranges.finishedRanges('run', 'session')).toBeNull();
      await ranges.closePlan('run', 'session', 2);
      await ranges.rememberFinished('run', 'session', { ...totals, plannedRanges: 3 });
      expect(await ranges.finishedRanges('run', 'session')).toBeNull();

      await ranges.rememberFinished('run', 'session', totals);

      expect(await ranges.finishedRanges('run', 'session')).toEqual(totals);
      expect(await ranges.finishedRanges('run', 'user')).toBeNull();
      expect(await ranges.plannedRangeCount('run', 'session')).toBe(2);
      await ranges.closePlan('run', 'session', 2);
      expect(await ranges.finishedRanges('run', 'session')).toBeNull();
    });

    it('does not begin a planned range anew', async () => {
      const { fence } = await acquire();
      await ranges.checkpoint('r1', fence, ['m', 5n], counts, 60_000);

      await ranges.plan([aRange('r1')]);

      nowMs += 100_000;
      expect((await acquire()).after).toEqual(['m', 5n]);
    });

    it('gives a lease to one worker at a time, and to the next when it expires', async () => {
      const first = await acquire();
      expect(await ranges.acquire('r1', 'other', 60_000)).toEqual({ kind: 'held' });

      nowMs += 60_001;
      const second = await acquire();

      expect(second.fence).toBeGreaterThan(first.fence);
      expect(first).toMatchObject({ after: ['a', 1n], state: 'leased' });
    });

    it('refuses everything from a worker that lost its lease', async () => {
      const first = await acquire();
      nowMs += 60_001;
      const second = await acquire();

      expect(await ranges.checkpoint('r1', first.fence, ['z'], counts, 60_000)).toBe(false);
      expect(await ranges.complete('r1', first.fence, counts)).toBe(false);
      await ranges.release('r1', first.fence);

      expect(await ranges.acquire('r1', 'third', 60_000)).toEqual({ kind: 'held' });
      expect(await ranges.checkpoint('r1', second.fence, ['b'], counts, 60_000)).toBe(true);
    });

    it('renews the lease with a checkpoint', async () => {
      const { fence } = await acquire();
      nowMs += 50_000;
      await ranges.checkpoint('r1', fence, ['b'], counts, 60_000);
      nowMs += 50_000;

      expect(await ranges.acquire('r1', 'other', 60_000)).toEqual({ kind: 'held' });
    });

    it('adds the counts of checkpoints and completion, and never opens a complete range again', async () => {
      const { fence } = await acquire();
      await ranges.checkpoint('r1', fence, ['b'], counts, 60_000);

      expect(await ranges.complete('r1', fence, counts)).toBe(true);

      nowMs += 100_000;
      expect(await ranges.acquire('r1', 'other', 60_000)).toEqual({ kind: 'complete' });
      const listed = await listAll('run', 'session');
      expect(listed.find(({ rangeId }) => rangeId === 'r1')).toMatchObject({
        state: 'complete',
        counts: { read: 4, written: 2, kept: 2, quarantined: 0 },
      });
    });

    it('gives a released range out at once', async () => {
      const { fence } = await acquire();

      await ranges.release('r1', fence);

      expect((await acquire()).fence).toBe(fence + 1);
    });

    it('says so when a range is unknown', async () => {
      expect(await ranges.acquire('nowhere', 'me', 1)).toEqual({ kind: 'unknown' });
    });

    it('lists the ranges of one record type, over pages', async () => {
      const planned = Array.from({ length: 130 }, (_, number) => aRange(`many-${number}`, 'note'));
      for (let start = 0; start < planned.length; start += 25)
        await ranges.plan(planned.slice(start, start + 25));

      const found = (await listAll('run', 'note')).map(({ rangeId }) => rangeId);

      expect(found.toSorted()).toEqual(planned.map(({ rangeId }) => rangeId).toSorted());
      expect(await listAll('other', 'note')).toEqual([]);
    });
  });
}
