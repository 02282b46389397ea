import { describe, expect, test } from 'vitest';

import { HalError } from '../../../lib/kernel/errors.ts';
import { makeMigrateRange } from '../../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../../lib/migration/plan-backfill.ts';
import type { TargetStore } from '../../../lib/migration/ports.ts';
import { applyImages } from '../../../lib/migration/write-images.ts';
import { migrationInMemory } from './migration-in-memory.ts';

function refusedItem(code = 'ValidationError'): HalError {
  return new HalError({ name: 'StoreRefusedItem', message: 'no', remedy: 'none', facts: { code } });
}

/** A target that fails for whole batches while one of the keys is in them and live. */
function failingFor(target: TargetStore, ids: readonly string[], fault: () => Error) {
  const sizes: number[] = [];
  const failing =
    (write: TargetStore['applyVersioned']): TargetStore['applyVersioned'] =>
    async (records) => {
      sizes.push(records.length);
      if (records.some(({ key, state }) => state === 'live' && ids.includes(key.id))) throw fault();
      return await write(records);
    };
  return {
    sizes,
    target: {
      ...target,
      insertIfAbsent: failing((records) => target.insertIfAbsent(records)),
      applyVersioned: failing((records) => target.applyVersioned(records)),
    },
  };
}

async function fortySessions() {
  const migration = migrationInMemory();
  await migration.source.installChangeLog();
  for (let at = 0; at < 40; at += 1) await migration.put(`s${at}`, `payload ${at}`);
  return {
    ...migration,
    copy: async (target: TargetStore) => {
      await makePlanBackfill({ ...migration.deps, queue: migration.rangeQueue }).plan('run');
      for (const task of migration.tasks.splice(0))
        await makeMigrateRange({ ...migration.deps, target })(task, 'w');
    },
  };
}

describe('a batch that the store refuses', () => {
  test('is halved down to the records that it refuses, and the rest is written', async () => {
    const { deps, world, copy } = await fortySessions();
    const { target, sizes } = failingFor(deps.target, ['s3', 's17'], () => refusedItem());

    await copy(target);

    const { entries } = await deps.quarantine.list('user-sessions', null, 10);
    expect(entries).toMatchObject([
      { key: { id: 's17' }, errorName: 'StoreRefusedItem', rawRow: '{"id":"s17","payload":"payload 17"}' },
      { key: { id: 's3' }, errorName: 'StoreRefusedItem', rawRow: '{"id":"s3","payload":"payload 3"}' },
    ]);
    const states = [...world.records.values()].map(({ state }) => state);
    expect(states.filter((state) => state === 'live')).toHaveLength(38);
    expect(states.filter((state) => state === 'quarantined')).toHaveLength(2);
    // Logarithmic, not one by one.
    expect(sizes.length).toBeLessThan(30);
  });

  test('is so in live apply too, where the next change of the record brings it out of quarantine', async () => {
    const { deps, put } = await fortySessions();
    const { target } = failingFor(deps.target, ['s3'], () => refusedItem());
    const slice = async (after: number) => ({
      ...(await deps.source.readChanges('user-sessions', after, 100)),
      oversized: [],
    });

    await applyImages({ ...deps, target }, 'user-sessions', await slice(0));
    expect(await deps.quarantine.count('user-sessions')).toBe(1);
    await put('s3', 'mended');
    await applyImages(deps, 'user-sessions', await slice(40));

    expect(await deps.quarantine.count('user-sessions')).toBe(0);
  });

  test.each([
    ['for a moment', () => Object.assign(new Error('slow down'), { name: 'ThrottlingException' })],
    ['to this caller', () => refusedItem('AccessDenied')],
    ['without a name', () => new Error('socket hang up')],
  ])('%s is thrown, to be repeated, and nothing is in quarantine', async (_, fault) => {
    const { deps, copy } = await fortySessions();
    const { target } = failingFor(deps.target, ['s3'], fault);

    await expect(copy(target)).rejects.toBeInstanceOf(Error);

    expect(await deps.quarantine.count('user-sessions')).toBe(0);
  });

  test('is thrown when the store refuses the marker as well: then it is not the record', async () => {
    const { deps, copy } = await fortySessions();
    const target = { ...deps.target, insertIfAbsent: () => Promise.reject(refusedItem()) };

    await expect(copy(target)).rejects.toMatchObject({ name: 'StoreRefusedItem' });
  });
});
