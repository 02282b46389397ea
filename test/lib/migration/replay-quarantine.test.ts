import { describe, expect, test } from 'vitest';

import { makeReplayQuarantine, replayPage } from '../../../lib/migration/replay-quarantine.ts';
import { makeSwitchAuthority } from '../../../lib/migration/switch-authority.ts';
import { applyImages } from '../../../lib/migration/write-images.ts';
import { setRow } from '../../../lib/memory/flat-store.ts';
import { tableOf } from '../../../lib/migration/table-lookup.ts';
import { poison } from '../../simulation/definition.ts';
import { backupInMemory } from './backup/backup-in-memory.ts';

const category = 'user-sessions';

async function onePoisoned() {
  const system = backupInMemory();
  await system.put('a', `${poison} in a`);
  await system.put('b', 'fine');
  await system.copyEverything();
  const replay = async () => {
    const { counts } = await replayPage(system.deps, category, null);
    return Object.fromEntries(Object.entries(counts).filter(([, value]) => value > 0));
  };
  const entries = async () => (await system.deps.quarantine.list(category, null, 10)).entries;
  return { ...system, replay, entries };
}

describe('replay of a quarantined record', () => {
  test('leaves it, with one try more, while its row is what it was', async () => {
    const { replay, entries } = await onePoisoned();

    expect(await replay()).toEqual({ 'still-rejected': 1 });

    expect(await entries()).toMatchObject([{ key: { id: 'a' }, errorName: 'PoisonedRow', attempts: 2 }]);
  });

  test('writes the row as it is now, once it was repaired, and may be repeated', async () => {
    const { replay, entries, put, world } = await onePoisoned();
    await put('a', 'repaired');

    expect(await replay()).toEqual({ replayed: 1 });
    const written = world.records.get('session/a');
    expect(await replay()).toEqual({});

    expect(await entries()).toEqual([]);
    expect(written).toMatchObject({ state: 'live', body: expect.stringContaining('repaired') as string });
    expect(world.records.get('session/a')).toEqual(written);
  });

  test('never goes over what a newer change wrote first', async () => {
    const { deps, replay, put, world } = await onePoisoned();
    const [entry] = (await deps.quarantine.list(category, null, 10)).entries;
    await put('a', 'repaired');
    const { images } = await deps.source.readChanges(category, 0, 10);
    await applyImages(deps, category, { images, oversized: [] });
    const newest = world.records.get('session/a');

    // The listing of somebody who looked before.
    expect(await makeReplayQuarantine(deps)(entry!)).toBe('replayed');

    expect(await replay()).toEqual({});
    expect(world.records.get('session/a')).toMatchObject({ body: newest?.body });
  });

  test('goes through the authority when that is hierarchical', async () => {
    const { deps, replay, world, store } = await onePoisoned();
    await makeSwitchAuthority(deps).switchTo({ category, to: 'hierarchical', requestedBy: 'test' });
    setRow(store, tableOf(deps.definition, 'session'), 'a', { id: 'a', payload: 'repaired in flat' });

    expect(await replay()).toEqual({ replayed: 1 });

    expect(world.records.get('session/a')).toMatchObject({ state: 'live', origin: 'hierarchical' });
    expect(await deps.reversePending.count(category)).toBe(1);
  });
});

async function putAside() {
  const system = await onePoisoned();
  await system.backUp();
  await system.put('b', 'newer');
  await system.restore({ newer: 'set-aside', categories: [category] });
  expect(system.rows('session')).toMatchObject({ b: { payload: 'fine' } });
  return system;
}

describe('replay of what a restore put aside', () => {
  test('writes it back as it was acknowledged', async () => {
    const system = await putAside();

    expect(await system.replay()).toEqual({ 'still-rejected': 1, replayed: 1 });

    expect(system.rows('session')).toMatchObject({ b: { payload: 'newer' } });
  });

  test('leaves it when somebody wrote the key since', async () => {
    const system = await putAside();
    await system.put('b', 'newest');

    expect(await system.replay()).toEqual({ 'still-rejected': 1, 'changed-since': 1 });

    expect(system.rows('session')).toMatchObject({ b: { payload: 'newest' } });
    expect(await system.entries()).toHaveLength(2);
  });
});
