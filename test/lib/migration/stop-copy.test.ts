import { describe, expect, it } from 'vitest';

import { makeHandler as makePlanBatches } from '../../../functions/plan-batches/handler.ts';
import { makeMemoryBudgetLine } from '../../../lib/memory/budget-line.ts';
import { makeMemoryRunForecasts } from '../../../lib/memory/run-forecasts.ts';
import { makeMemorySettingsStore } from '../../../lib/memory/settings-store.ts';
import { makeMemoryWorkerSlots } from '../../../lib/memory/worker-slots.ts';
import { setAsideKey } from '../../../lib/migration/set-aside-key.ts';
import { makeMigrateRange, type RangeOutcome } from '../../../lib/migration/migrate-range.ts';
import { makeStopIfStrict } from '../../../lib/migration/stop-if-strict.ts';
import { makeWorkerThrottle } from '../../../lib/migration/worker-throttle.ts';
import { poison } from '../../simulation/definition.ts';
import { migrationInMemory } from './migration-in-memory.ts';

const stop = { stopped: true, by: 'ann', reason: 'asked for', sinceMs: 1 };

/** Twenty sessions in ranges of ten, copied in pages of two by one worker. */
async function aCopy(poisoned: readonly string[] = []) {
  const migration = migrationInMemory();
  const { deps, rangeQueue, put, tasks, source } = migration;
  for (let at = 10; at < 30; at += 1) {
    await put(`s${at}`, poisoned.includes(`s${at}`) ? `${poison} row` : 'x');
  }
  await source.installChangeLog();
  const settings = makeMemorySettingsStore();
  const throttle = makeWorkerThrottle({
    ...deps,
    settings,
    line: makeMemoryBudgetLine(),
    slots: makeMemoryWorkerSlots(),
  });
  const plan = makePlanBatches({
    ...deps,
    settings,
    forecasts: makeMemoryRunForecasts(),
    queue: rangeQueue,
    rowsPerRange: 10,
  });
  await plan({ action: 'plan', runId: 'run', recordTypes: ['session'] });
  const read: (string | null)[] = [];
  const watched = {
    ...deps.source,
    readRange: (...[recordType, range, limit]: Parameters<typeof deps.source.readRange>) => {
      read.push(range.after === null ? null : String(range.after[0]));
      return deps.source.readRange(recordType, range, limit);
    },
  };
  const copyRange = makeMigrateRange({
    ...deps,
    source: watched,
    pageSize: 2,
    throttle,
    stopIfStrict: makeStopIfStrict({ ...deps, settings }),
  });
  const copyAll = async (): Promise<readonly RangeOutcome['kind'][]> => {
    const outcomes: RangeOutcome['kind'][] = [];
    for (const task of tasks.splice(0)) outcomes.push((await copyRange(task, 'worker')).kind);
    return outcomes;
  };
  return { ...migration, settings, throttle, plan, copyAll, read };
}

describe('a copy that is stopped', () => {
  it('gives no range to a worker and sends none', async () => {
    const { settings, plan, copyAll, world, tasks } = await aCopy();
    await settings.change({ copy: stop });

    const outcomes = await copyAll();

    expect(outcomes).toEqual(['no-slot', 'no-slot']);
    expect(await plan({ action: 'resume-all' })).toEqual({ sentRanges: 0 });
    expect({ records: world.records.size, tasks }).toEqual({ records: 0, tasks: [] });
  });

  it('lets a worker finish its page, keeps the checkpoint, and goes on behind it', async () => {
    const { settings, plan, copyAll, world, read, target, deps } = await aCopy();
    const insertIfAbsent = target.insertIfAbsent.bind(target);
    deps.target.insertIfAbsent = async (records) => {
      await settings.change({ copy: stop });
      return await insertIfAbsent(records);
    };

    const stopped = await copyAll();
    const copied = world.records.size;
    deps.target.insertIfAbsent = insertIfAbsent;
    await settings.change({ copy: { ...stop, stopped: false } });
    const sent = await plan({ action: 'resume-all' });
    const resumed = await copyAll();

    expect({ stopped, copied }).toEqual({ stopped: ['stopped', 'no-slot'], copied: 2 });
    // The lease was given back, so nobody waits for it to run out.
    expect(sent).toEqual({ sentRanges: 2 });
    expect(resumed).toEqual(['completed', 'completed']);
    expect(read.filter((after) => after === null)).toHaveLength(1);
    expect(world.records.size).toBe(20);
  });
});

describe('a worker whose report is refused', () => {
  it('fails its range, which whoever takes it next ends with every record', async () => {
    const { throttle, plan, copyAll, world, tasks } = await aCopy();
    const reportPage = throttle.reportPage.bind(throttle);
    throttle.reportPage = () => Promise.reject(new Error('throttled'));

    await expect(copyAll()).rejects.toThrow('throttled');
    throttle.reportPage = reportPage;
    tasks.splice(0);
    await plan({ action: 'resume-all' });
    await copyAll();

    expect(world.records.size).toBe(20);
    expect(await plan({ action: 'progress', runId: 'run' })).toMatchObject({ counts: { read: 20 } });
  });
});

describe('the schedule that sends ranges again', () => {
  it('waits while ranges are still in the queue, so that a long copy is not sent every minute', async () => {
    const { plan, tasks } = await aCopy();

    const whileWaiting = await plan({ action: 'resume-idle' });
    tasks.splice(0);
    const whenIdle = await plan({ action: 'resume-idle' });

    expect({ whileWaiting, whenIdle }).toEqual({
      whileWaiting: { sentRanges: 0 },
      whenIdle: { sentRanges: 2 },
    });
  });

  it('is not asked by an operator, who sends everything at once', async () => {
    const { plan } = await aCopy();

    expect(await plan({ action: 'resume-all' })).toEqual({ sentRanges: 2 });
  });
});

describe('validation while copying', () => {
  it('that is strict stops at the first record in quarantine, after its page is safe', async () => {
    const { settings, copyAll, quarantine, world } = await aCopy(['s13']);
    await settings.change({ validationMode: 'strict' });

    const outcomes = await copyAll();

    expect(outcomes).toEqual(['stopped', 'no-slot']);
    expect((await settings.read()).copy).toMatchObject({
      stopped: true,
      by: 'strict validation',
      reason: '1 record is in quarantine, and strict validation admits 0',
    });
    expect(await quarantine.count('user-sessions')).toBe(1);
    expect(world.records.size).toBe(4);
  });

  it('that is strict admits as many as its limit says', async () => {
    const { settings, copyAll } = await aCopy(['s13', 's17', 's25']);
    await settings.change({ validationMode: 'strict', quarantineLimit: 2 });

    const outcomes = await copyAll();

    expect(outcomes).toEqual(['completed', 'stopped']);
    expect((await settings.read()).copy.reason).toContain('3 records are in quarantine');
  });

  it('that is strict does not count what a repair or a restore has set aside', async () => {
    const { settings, copyAll, quarantine } = await aCopy(['s13']);
    await settings.change({ validationMode: 'strict', quarantineLimit: 1 });
    await quarantine.put({
      key: setAsideKey({ recordType: 'session', id: 'an-orphan' }, 'fix-1'),
      category: 'user-sessions',
      version: { epoch: 1, sequence: 1 },
      errorName: 'OrphanedEdge',
      errorMessage: 'an end of this edge does not exist',
      rawRow: '{}',
      rawLengthBytes: 2,
      firstSeenAtMs: 1,
    });

    expect(await copyAll()).toEqual(['completed', 'completed']);
    expect(await quarantine.count('user-sessions')).toBe(2);
  });

  it('that is lenient goes on and leaves them there', async () => {
    const { settings, copyAll, quarantine, world } = await aCopy(['s13', 's17', 's25']);

    const outcomes = await copyAll();

    expect(outcomes).toEqual(['completed', 'completed']);
    expect((await settings.read()).copy.stopped).toBe(false);
    expect(await quarantine.count('user-sessions')).toBe(3);
    expect(world.records.size).toBe(20);
  });
});
