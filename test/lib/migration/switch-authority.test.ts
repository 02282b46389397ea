import { describe, expect, it } from 'vitest';

import { makeHandler } from '../../../functions/switch-authority/handler.ts';
import { HalError } from '../../../lib/kernel/errors.ts';
import { makeMetricSink } from '../../../lib/memory/metric-sink.ts';
import { makeMemoryLayerManifestStore } from '../../../lib/memory/layer-manifest-store.ts';
import { makeMemoryReverseCanaries } from '../../../lib/memory/reverse-canaries.ts';
import { makeMemorySettingsStore } from '../../../lib/memory/settings-store.ts';
import { makeReverseChanges } from '../../../lib/migration/reverse-changes.ts';
import { makeSwitchAuthority } from '../../../lib/migration/switch-authority.ts';
import { migrationInMemory } from './migration-in-memory.ts';

const category = 'user-sessions';
const forward = { category, to: 'hierarchical', requestedBy: 'ann' } as const;
const back = { category, to: 'flat', requestedBy: 'ann' } as const;

describe('switching the authority of a category', () => {
  it('is refused until everything is copied', async () => {
    const { deps, source } = migrationInMemory();
    await source.installChangeLog();

    await expect(makeSwitchAuthority(deps).switchTo(forward)).rejects.toMatchObject({
      name: 'BackfillIncomplete',
    });

    expect(await source.authority(category)).toEqual({ epoch: 1, state: 'open' });
  });

  it('goes forward, back and forward again, and applies what the log still held', async () => {
    const { deps, copyEverything, put, source, world } = migrationInMemory();
    await copyEverything();
    await put('a', 'last');
    const switchAuthority = makeSwitchAuthority(deps);

    expect(await switchAuthority.switchTo(forward)).toMatchObject({ kind: 'switched', record: { epoch: 2 } });
    expect(world.records.get('session/a')?.state).toBe('live');
    expect(await switchAuthority.switchTo(forward)).toEqual({ kind: 'already-there', epoch: 2 });
    expect(await switchAuthority.switchTo(back)).toMatchObject({ kind: 'switched', record: { epoch: 3 } });
    expect(await switchAuthority.switchTo(forward)).toMatchObject({ kind: 'switched', record: { epoch: 4 } });

    expect(await source.authority(category)).toEqual({ epoch: 4, state: 'following' });
    expect(await source.authority('metadata')).toEqual({ epoch: 1, state: 'open' });
  });

  it('is resumed by the same call after it was killed, and by no other', async () => {
    const { deps, copyEverything, source } = migrationInMemory();
    await copyEverything();
    const killed = { ...deps.authority, open: () => Promise.reject(new Error('killed')) };
    await expect(makeSwitchAuthority({ ...deps, authority: killed }).switchTo(forward)).rejects.toThrow(
      'killed',
    );

    await expect(makeSwitchAuthority(deps).switchTo(back)).rejects.toMatchObject({ name: 'SwitchUnderWay' });
    await expect(makeSwitchAuthority(deps).abort(category)).rejects.toMatchObject({ name: 'SwitchTooFar' });
    expect(await makeSwitchAuthority(deps).switchTo(forward)).toMatchObject({
      record: { stage: 'done', epoch: 2 },
    });

    expect(await source.authority(category)).toEqual({ epoch: 2, state: 'following' });
  });

  it('can be aborted while it drains, and begun again', async () => {
    const { deps, copyEverything, put, source } = migrationInMemory();
    await copyEverything();
    await put('a', 'x');
    let isFenced = false;
    const killed = {
      ...deps.source,
      fence: async (...fence: Parameters<typeof source.fence>) => {
        isFenced = true;
        return await source.fence(...fence);
      },
      readChanges: (...read: Parameters<typeof source.readChanges>) =>
        isFenced ? Promise.reject(new Error('killed')) : source.readChanges(...read),
    };
    await expect(makeSwitchAuthority({ ...deps, source: killed }).switchTo(forward)).rejects.toThrow(
      'killed',
    );
    expect(await source.authority(category)).toEqual({ epoch: 1, state: 'fenced' });

    expect(await makeSwitchAuthority(deps).abort(category)).toMatchObject({ kind: 'aborted' });
    expect(await put('a', 'y')).toEqual({ kind: 'written' });

    expect(await makeSwitchAuthority(deps).switchTo(forward)).toMatchObject({ kind: 'switched' });
    expect(await makeSwitchAuthority(deps).abort(category)).toEqual({ kind: 'nothing-to-abort' });
  });

  it('is not finished by an executor of an earlier attempt, which drained before others wrote', async () => {
    const { deps, copyEverything, put, world } = migrationInMemory();
    await copyEverything();
    const asleep = Promise.withResolvers<undefined>();
    const awake = Promise.withResolvers<undefined>();
    const frozen = {
      ...deps.switches,
      advance: async (...[record, from]: Parameters<typeof deps.switches.advance>) => {
        if (record.stage === 'opening') {
          asleep.resolve(undefined);
          await awake.promise;
        }
        return await deps.switches.advance(record, from);
      },
    };
    const early = makeSwitchAuthority({ ...deps, switches: frozen }).switchTo(forward);
    await asleep.promise;
    await makeSwitchAuthority(deps).abort(category);
    const killed = {
      ...deps.source,
      fence: async (...fence: Parameters<typeof deps.source.fence>) => {
        if ((await deps.source.authority(category)).state === 'fenced') throw new Error('killed');
        await put('a', 'written after the abort');
        return await deps.source.fence(...fence);
      },
    };
    await expect(makeSwitchAuthority({ ...deps, source: killed }).switchTo(forward)).rejects.toThrow(
      'killed',
    );
    awake.resolve(undefined);

    await expect(early).rejects.toMatchObject({ name: 'AuthorityConflict' });
    expect([...world.authority.values()].every(({ side }) => side === 'flat')).toBe(true);
    expect(await makeSwitchAuthority(deps).switchTo(forward)).toMatchObject({
      kind: 'switched',
      record: { attempt: 2 },
    });
  });

  it('applies what was written while a late abort had lifted its fence', async () => {
    const { deps, copyEverything, put, source, world } = migrationInMemory();
    await copyEverything();
    const late = {
      ...deps.source,
      follow: async (...follow: Parameters<typeof source.follow>) => {
        if ((await source.authority(category)).state === 'fenced') {
          await source.unfence(category, 1);
          await put('a', 'written through the gap');
          await source.fence(category, 1);
        }
        return await source.follow(...follow);
      },
    };
    const opened = {
      ...deps.authority,
      open: async (...open: Parameters<typeof deps.authority.open>) => {
        expect(world.records.get('session/a')?.body).toContain('written through the gap');
        await deps.authority.open(...open);
      },
    };

    const switched = await makeSwitchAuthority({ ...deps, source: late, authority: opened }).switchTo(
      forward,
    );

    expect(switched).toMatchObject({ kind: 'switched', record: { stage: 'done' } });
    expect(world.records.get('session/a')?.body).toContain('written through the gap');
  });

  it('is not disturbed on its way back by an abort that froze and wakes up late', async () => {
    const { deps, copyEverything, world, source } = migrationInMemory();
    await copyEverything();
    await makeSwitchAuthority(deps).switchTo(forward);
    const killed = { ...deps.source, requireFitting: () => Promise.reject(new Error('killed')) };
    await expect(makeSwitchAuthority({ ...deps, source: killed }).switchTo(back)).rejects.toThrow('killed');
    const asleep = Promise.withResolvers<undefined>();
    const sleep = Promise.withResolvers<undefined>();
    const frozen = {
      ...deps.authority,
      unfence: async (...fence: Parameters<typeof deps.authority.unfence>) => {
        asleep.resolve(undefined);
        await sleep.promise;
        await deps.authority.unfence(...fence);
      },
    };
    const abort = makeSwitchAuthority({ ...deps, authority: frozen }).abort(category);
    await asleep.promise;
    const late = {
      ...deps.source,
      open: async (...open: Parameters<typeof source.open>) => {
        sleep.resolve(undefined);
        await abort;
        expect([...world.authority.values()].every(({ fenced }) => fenced)).toBe(true);
        return await source.open(...open);
      },
    };

    const switched = await makeSwitchAuthority({ ...deps, source: late }).switchTo(back);

    expect(switched).toMatchObject({ kind: 'switched', record: { epoch: 3, stage: 'done' } });
    expect(await source.authority(category)).toEqual({ epoch: 3, state: 'open' });
  });

  it('gives the hierarchical side its writes back when a record of it has no room in flat', async () => {
    const { deps, copyEverything, world } = migrationInMemory();
    await copyEverything();
    await makeSwitchAuthority(deps).switchTo(forward);
    const unfit = new HalError({ name: 'ReverseConflict', message: 'no room', remedy: '', exit: 'conflict' });
    const full = { ...deps.source, requireFitting: () => Promise.reject(unfit) };

    await expect(makeSwitchAuthority({ ...deps, source: full }).switchTo(back)).rejects.toBe(unfit);

    expect([...world.authority.values()].some(({ fenced }) => fenced)).toBe(false);
    expect(await makeSwitchAuthority(deps).switchTo(back)).toMatchObject({ record: { stage: 'done' } });
  });
});

/** The guards as they stand in production, over memory; `deliver` is the stream and its function. */
function guarded(world: ReturnType<typeof migrationInMemory>, deliver: boolean) {
  const settings = makeMemorySettingsStore();
  const guards = {
    canaries: makeMemoryReverseCanaries(world.world),
    settings,
    layers: makeMemoryLayerManifestStore(),
    sleeper: world.sleeper,
  };
  const reverseChange = makeReverseChanges(world.deps);
  const carried: Promise<unknown>[] = [];
  world.world.onRecordPut = (_pk, record) => {
    if (deliver && record.origin === 'hierarchical')
      carried.push(reverseChange([{ ...record, intact: true }]));
  };
  return { settings, carried, deps: { ...world.deps, guards } };
}

describe('a switch to the hierarchical side', () => {
  it('begins when a canary has come back through the reverse path, and leaves none behind', async () => {
    const migration = migrationInMemory();
    await migration.copyEverything();
    const { deps, carried } = guarded(migration, true);

    const switched = await makeSwitchAuthority(deps).switchTo(forward);

    expect(switched).toMatchObject({ record: { stage: 'done', canaryMs: expect.any(Number) as number } });
    expect(await Promise.all(carried)).toEqual([['applied']]);
    expect([...migration.world.records.keys()].filter((pk) => pk.startsWith('~'))).toEqual([]);
    expect(migration.world.reversePending.size).toBe(0);
  });

  it('is refused while the reverse path carries nothing, and nothing has moved', async () => {
    const migration = migrationInMemory();
    await migration.copyEverything();
    const { deps } = guarded(migration, false);

    await expect(makeSwitchAuthority(deps).switchTo(forward)).rejects.toMatchObject({
      name: 'ReversePathUnproven',
      exit: 'gateFailed',
    });

    expect(await migration.source.authority(category)).toEqual({ epoch: 1, state: 'open' });
    expect(await deps.switches.current(category)).toBeNull();
    expect([...migration.world.records.keys()].filter((pk) => pk.startsWith('~'))).toEqual([]);
  });

  it('is refused when flat takes no write of the reverse path', async () => {
    const migration = migrationInMemory();
    await migration.copyEverything();
    const { deps } = guarded(migration, false);
    const unwritable = {
      ...migration.deps.source,
      applyReverse: () => Promise.reject(new Error('read-only')),
    };
    const reverseChange = makeReverseChanges({ ...migration.deps, source: unwritable });
    migration.world.onRecordPut = (_pk, record) =>
      void reverseChange([{ ...record, intact: true }]).catch(() => undefined);

    await expect(makeSwitchAuthority(deps).switchTo(forward)).rejects.toMatchObject({
      name: 'ReversePathUnproven',
    });
  });

  it('is refused while the target lacks more changes than the limit allows, with their number', async () => {
    const migration = migrationInMemory();
    await migration.copyEverything();
    const { deps, settings } = guarded(migration, true);
    await settings.change({ switchLimits: { relayLagEntries: 2 } });
    for (const id of ['a', 'b', 'c', 'd']) await migration.put(id, 'x');

    await expect(makeSwitchAuthority(deps).switchTo(forward)).rejects.toMatchObject({
      name: 'RelayLagTooHigh',
      facts: { entries: 3, limit: 2 },
    });
    expect(await deps.switches.current(category)).toBeNull();

    await settings.change({ switchLimits: { relayLagEntries: 4 } });
    expect(await makeSwitchAuthority(deps).switchTo(forward)).toMatchObject({ kind: 'switched' });
  });

  it('is given up when writers wait longer than the limit, and they may write on', async () => {
    const migration = migrationInMemory();
    await migration.copyEverything();
    const { deps, settings } = guarded(migration, true);
    await settings.change({ switchLimits: { stallMs: 1_000 } });
    await migration.put('a', 'x');
    const slow = {
      ...deps.source,
      fence: async (...fence: Parameters<typeof deps.source.fence>) => {
        const fenced = await deps.source.fence(...fence);
        migration.time.nowMs += 700;
        return fenced;
      },
    };

    await expect(makeSwitchAuthority({ ...deps, source: slow }).switchTo(forward)).rejects.toMatchObject({
      name: 'SwitchStalled',
      facts: { waitedMs: 1_400, limitMs: 1_000 },
    });

    expect(await deps.switches.current(category)).toMatchObject({ stage: 'aborted', stallMs: 1_400 });
    expect(await migration.put('a', 'y')).toEqual({ kind: 'written' });
    expect(await makeSwitchAuthority(deps).switchTo(forward)).toMatchObject({ kind: 'switched' });
  });

  it('tells how long writers waited, from before the fence until the new side takes writes', async () => {
    const migration = migrationInMemory();
    await migration.copyEverything();
    const { deps } = guarded(migration, true);
    const slow = {
      ...deps.authority,
      open: async (...open: Parameters<typeof deps.authority.open>) => {
        migration.time.nowMs += 300;
        await deps.authority.open(...open);
      },
    };
    const metrics = makeMetricSink();
    const handler = makeHandler({ ...deps, authority: slow, metrics });

    const switched = await handler({ ...forward, action: 'switch' });

    expect(switched).toMatchObject({ record: { stage: 'done', stallMs: 300 } });
    expect(metrics.metrics).toMatchObject([{ name: 'WriterStallMs', values: [300] }]);
  });

  it('counts the stall of a switch that was killed behind its fence from its beginning', async () => {
    const migration = migrationInMemory();
    await migration.copyEverything();
    const { deps } = guarded(migration, true);
    const killed = {
      ...deps.switches,
      advance: () => Promise.reject(new Error('killed')),
    };
    await expect(makeSwitchAuthority({ ...deps, switches: killed }).switchTo(forward)).rejects.toThrow(
      'killed',
    );
    expect(await migration.source.authority(category)).toMatchObject({ state: 'fenced' });
    migration.time.nowMs += 60_000;

    await expect(makeSwitchAuthority(deps).switchTo(forward)).rejects.toMatchObject({
      name: 'SwitchStalled',
    });

    expect(await migration.source.authority(category)).toMatchObject({ state: 'open' });
  });
});

it('a way back to flat is held up neither by lag nor by the reverse path nor by a limit', async () => {
  const migration = migrationInMemory();
  await migration.copyEverything();
  await makeSwitchAuthority(migration.deps).switchTo(forward);
  const { deps, settings } = guarded(migration, false);
  await settings.change({ switchLimits: { relayLagEntries: 0, stallMs: 100 } });

  expect(await makeSwitchAuthority(deps).switchTo(back)).toMatchObject({ kind: 'switched' });
});
