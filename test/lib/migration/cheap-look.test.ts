import { describe, expect, it } from 'vitest';

import { readBackfillProgress, readRunProgress } from '../../../lib/migration/backfill-progress.ts';
import { makePlanBackfill } from '../../../lib/migration/plan-backfill.ts';
import { readStateStatus } from '../../../lib/migration/state-status.ts';
import { makeSwitchAuthority } from '../../../lib/migration/switch-authority.ts';
import { smallDefinition } from '../../simulation/definition.ts';
import { migrationInMemory } from './migration-in-memory.ts';

const recordTypes = smallDefinition.tables.map(({ recordType }) => recordType);

/** Counts how often ranges are listed and reverse-pending entries counted. */
async function copied() {
  const migration = migrationInMemory();
  await migration.put('a', 'x');
  await migration.copyEverything();
  const looks = { lists: 0, counts: 0 };
  const ranges = {
    ...migration.ranges,
    list: (...page: Parameters<typeof migration.ranges.list>) => {
      looks.lists += 1;
      return migration.ranges.list(...page);
    },
  };
  const reversePending = {
    ...migration.reversePending,
    count: (category: string) => {
      looks.counts += 1;
      return migration.reversePending.count(category);
    },
  };
  return { migration, looks, deps: { ...migration.deps, ranges, reversePending } };
}

describe('a look at a finished copy', () => {
  it('lists no range again once somebody saw that all are complete, and says the same as before', async () => {
    const { deps, looks } = await copied();
    const before = await readStateStatus(deps);
    expect(looks.lists).toBeGreaterThan(0);
    await readRunProgress(deps.ranges, 'run', recordTypes);
    looks.lists = 0;

    const after = await readStateStatus(deps);

    expect(after).toEqual(before);
    expect(looks.lists).toBe(0);
  });

  it('is all that the schedule takes to find that nothing is left to resume', async () => {
    const { migration, deps, looks } = await copied();
    const backfill = makePlanBackfill({
      ...migration.deps,
      ranges: deps.ranges,
      queue: { send: () => Promise.resolve() },
    });
    expect(await backfill.resume(null)).toEqual({ sentRanges: 0 });
    expect(looks.lists).toBeGreaterThan(0);
    looks.lists = 0;

    expect(await backfill.resume(null)).toEqual({ sentRanges: 0 });

    expect(looks.lists).toBe(0);
  });

  it('still lists the ranges of a record type that is not finished', async () => {
    const { migration, deps, looks } = await copied();
    const [first] = migration.world.ranges.keys();
    const range = migration.world.ranges.get(first ?? '');
    migration.world.ranges.set(first ?? '', { ...range!, state: 'planned' });

    const { complete } = await readRunProgress(deps.ranges, 'run', recordTypes);
    looks.lists = 0;
    const progress = await readBackfillProgress(deps.ranges, 'run', range!.recordType);

    expect(complete).toBe(false);
    expect(progress.openRanges).toBe(1);
    expect(looks.lists).toBe(1);
  });

  it('looks for writes on their way to flat only where the hierarchical side has authority', async () => {
    const { deps, looks } = await copied();
    await readStateStatus(deps);
    expect(looks.counts).toBe(0);

    await makeSwitchAuthority(deps).switchTo({
      category: 'user-sessions',
      to: 'hierarchical',
      requestedBy: 'ann',
    });
    await readStateStatus(deps);

    expect(looks.counts).toBe(1);
  });
});
