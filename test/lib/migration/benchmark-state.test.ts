import { describe, expect, it } from 'vitest';

import { makeMemoryFlatWriter } from '../../../lib/memory/flat-writer.ts';
import { accessOperations, makeMeasureAccess } from '../../../lib/migration/benchmark/measure-access.ts';
import { compareAccess, summarizeAccess } from '../../../lib/migration/benchmark/summarize-access.ts';
import { poison } from '../../simulation/definition.ts';
import { migrationInMemory, sessionKey } from './migration-in-memory.ts';

/** A stopwatch that goes on by one millisecond with every look. */
function ticking() {
  let nowMs = 0;
  return { nowMs: () => (nowMs += 1) };
}

async function copied(ids: readonly string[]) {
  const migration = migrationInMemory();
  for (const id of ids) await migration.put(id, `payload of ${id}`);
  await migration.copyEverything();
  const { deps, store } = migration;
  const measure = makeMeasureAccess({
    ...deps,
    flatWriter: makeMemoryFlatWriter(store),
    stopwatch: ticking(),
  });
  return { ...migration, measure };
}

const all = { category: 'user-sessions', operations: accessOperations, samples: 10 };

describe('timing access to both sides', () => {
  it('times every operation on both sides for every sampled record', async () => {
    const { measure } = await copied(['a', 'b', 'c']);

    const measures = await measure(all);

    expect(
      measures.map(({ system, operation, latenciesMs }) => [system, operation, latenciesMs.length]),
    ).toEqual([
      ['flat', 'read', 3],
      ['hierarchical', 'read', 3],
      ['flat', 'write', 3],
      ['hierarchical', 'write', 3],
      ['flat', 'update', 3],
      ['hierarchical', 'update', 3],
    ]);
    expect(measures.every(({ skipped }) => skipped === null)).toBe(true);
  });

  it('changes the content of no record on either side', async () => {
    const { measure, target, source } = await copied(['a', 'b']);
    const keys = [sessionKey('a'), sessionKey('b')];
    const contents = async () => ({
      target: [...(await target.read(keys)).values()].map(({ body, version, hash }) => [body, version, hash]),
      rows: (await source.readCurrent('user-sessions', keys)).images.map(({ row }) => row),
    });
    const before = await contents();

    await measure(all);

    expect(await contents()).toEqual(before);
  });

  it('lets a user write in between win', async () => {
    const { deps, store, put, source } = await copied(['a']);
    const flatWriter = makeMemoryFlatWriter(store);
    const measure = makeMeasureAccess({
      ...deps,
      stopwatch: ticking(),
      flatWriter: {
        writeIf: async (change, expected) => {
          await put('a', 'of a user');
          return await flatWriter.writeIf(change, expected);
        },
      },
    });

    const measures = await measure({ ...all, operations: ['write'] });

    const [image] = (await source.readCurrent('user-sessions', [sessionKey('a')])).images;
    expect(image?.row).toMatchObject({ payload: 'of a user' });
    expect(measures[0]).toMatchObject({
      system: 'flat',
      latenciesMs: [],
      skipped: expect.any(String) as unknown,
    });
  });

  it('says why there is nothing to compare, and samples nothing that is in quarantine', async () => {
    const migration = migrationInMemory();
    await migration.source.installChangeLog();
    await migration.put('a', 'x');
    await migration.put('b', `${poison} row`);
    const { deps, store } = migration;
    const measure = makeMeasureAccess({
      ...deps,
      flatWriter: makeMemoryFlatWriter(store),
      stopwatch: ticking(),
    });

    const [flat, hierarchical] = await measure({ ...all, operations: ['read'] });

    expect(flat?.latenciesMs).toHaveLength(1);
    expect(hierarchical).toMatchObject({ latenciesMs: [], skipped: 'a record is not copied yet' });
  });
});

/** A hundred latencies from `factor` to a hundred times as much. */
const summary = (system: 'flat' | 'hierarchical', factor: number) =>
  summarizeAccess('metadata', {
    system,
    operation: 'read',
    latenciesMs: Array.from({ length: 100 }, (_, at) => (100 - at) * factor),
    skipped: null,
  });

describe('summing up latencies', () => {
  it('takes quantiles by nearest rank and compares medians', () => {
    const [flat, hierarchical] = [summary('flat', 1), summary('hierarchical', 2)];

    expect(flat).toMatchObject({ count: 100, p50Ms: 50, p95Ms: 95, p99Ms: 99 });
    expect(compareAccess([flat, hierarchical])).toEqual([
      { category: 'metadata', operation: 'read', ratio: 2 },
    ]);
  });

  it('has no numbers of nothing', () => {
    const nothing = { system: 'hierarchical', operation: 'read', latenciesMs: [], skipped: 'why' } as const;

    const empty = summarizeAccess('metadata', nothing);

    expect(empty).toMatchObject({ count: 0, p50Ms: null, p99Ms: null, perSecond: null, skipped: 'why' });
    expect(compareAccess([empty])).toEqual([{ category: 'metadata', operation: 'read', ratio: null }]);
  });
});
