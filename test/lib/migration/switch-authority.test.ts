import { describe, expect, it } from 'vitest';

import { HalError } from '../../../lib/kernel/errors.ts';
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

  it('is not disturbed on its way back by an abort that froze and wakes up late', async () => {
    const { deps, copyEverything, world, source } = migrationInMemory();
    await copyEverything();
    await makeSwitchAuthority(deps).switchTo(forward);
    const killed = { ...deps.source, requireFitting: () => Promise.reject(new Error('killed')) };
    await expect(makeSwitchAuthority({ ...deps, source: killed }).switchTo(back)).rejects.toThrow('killed');
    const sleep = Promise.withResolvers<undefined>();
    const frozen = {
      ...deps.authority,
      unfence: async (...fence: Parameters<typeof deps.authority.unfence>) => {
        await sleep.promise;
        await deps.authority.unfence(...fence);
      },
    };
    const abort = makeSwitchAuthority({ ...deps, authority: frozen }).abort(category);
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
