import { describe, expect, it } from 'vitest';

import { isBackfillComplete, readBackfillProgress } from '../../../lib/migration/backfill-progress.ts';
import { makeMigrateRange } from '../../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../../lib/migration/plan-backfill.ts';
import { migrationInMemory, sessionKey } from './migration-in-memory.ts';

describe('planning a backfill', () => {
  it('is refused while changes are not logged', async () => {
    const { deps, rangeQueue } = migrationInMemory();

    const plan = makePlanBackfill({ ...deps, queue: rangeQueue }).plan('run');

    await expect(plan).rejects.toMatchObject({ name: 'ChangeLogMissing' });
  });

  it('sends every range once, and when repeated only what is not complete', async () => {
    const { deps, rangeQueue, source, put, tasks } = migrationInMemory();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await put(id, 'x');
    await source.installChangeLog();
    const backfill = makePlanBackfill({ ...deps, queue: rangeQueue, rowsPerRange: 2 });

    expect(await backfill.plan('run', ['session'])).toEqual({ sentRanges: 3 });
    await makeMigrateRange(deps)(tasks[0]!, 'worker');

    expect(await backfill.plan('run', ['session'])).toEqual({ sentRanges: 2 });
    expect(await backfill.resume(null)).toEqual({ sentRanges: 2 });
  });

  it('begun again over other rows leaves no gap between its ranges', async () => {
    const { deps, rangeQueue, source, ranges, put, tasks, world } = migrationInMemory();
    for (const id of ['b', 'c', 'd', 'e', 'f']) await put(id, 'x');
    await source.installChangeLog();
    const interrupted = { ...ranges, closePlan: () => Promise.reject(new Error('killed')) };
    const planWith = (store: typeof ranges) =>
      makePlanBackfill({ ...deps, ranges: store, queue: rangeQueue, rowsPerRange: 2 }).plan('run', [
        'session',
      ]);

    await expect(planWith(interrupted)).rejects.toThrow('killed');
    await put('a', 'x');
    await put('c', null);
    await planWith(ranges);
    for (const task of tasks) await makeMigrateRange(deps)(task, 'worker');

    expect([...world.records.keys()].toSorted()).toEqual(
      ['a', 'b', 'd', 'e', 'f'].map((id) => `session/${id}`),
    );
    expect(isBackfillComplete(await readBackfillProgress(ranges, 'run', 'session'))).toBe(true);
  });
});

describe('copying a range', () => {
  it('continues after the last checkpoint when a worker is killed', async () => {
    const { deps, rangeQueue, source, target, put, tasks, ranges } = migrationInMemory();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await put(id, 'x');
    await source.installChangeLog();
    await makePlanBackfill({ ...deps, queue: rangeQueue }).plan('run', ['session']);
    let writes = 0;
    const failing = {
      ...target,
      insertIfAbsent: (records: Parameters<typeof target.insertIfAbsent>[0]) => {
        writes += 1;
        return writes === 2 ? Promise.reject(new Error('killed')) : target.insertIfAbsent(records);
      },
    };

    const first = makeMigrateRange({ ...deps, target: failing, pageSize: 2 })(tasks[0]!, 'first');
    await expect(first).rejects.toThrow('killed');
    const second = await makeMigrateRange({ ...deps, pageSize: 2 })(tasks[0]!, 'second');

    expect(second).toEqual({ kind: 'completed', rows: 3 });
    expect((await readBackfillProgress(ranges, 'run', 'session')).counts).toEqual({
      read: 5,
      written: 5,
      kept: 0,
      quarantined: 0,
    });
  });

  it('puts what cannot be converted into quarantine, in its place', async () => {
    const { copyEverything, put, world, quarantine } = migrationInMemory();
    await put('a', 'poison');
    await put('b', 'x');

    await copyEverything();

    expect(world.records.get('session/a')?.state).toBe('quarantined');
    expect((await quarantine.list('user-sessions', null, 10)).entries).toMatchObject([
      {
        key: sessionKey('a'),
        errorName: 'PoisonedRow',
        rawRow: '{"id":"a","payload":"poison"}',
        attempts: 1,
      },
    ]);
  });

  it('does nothing for a range that another worker holds', async () => {
    const { deps, rangeQueue, source, tasks, ranges } = migrationInMemory();
    await source.installChangeLog();
    await makePlanBackfill({ ...deps, queue: rangeQueue }).plan('run', ['session']);
    await ranges.acquire(tasks[0]!.rangeId, 'other', 60_000);

    expect(await makeMigrateRange(deps)(tasks[0]!, 'me')).toEqual({ kind: 'held' });
  });
});
