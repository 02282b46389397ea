import { beforeEach, describe, expect, it } from 'vitest';

import type { AuthorityStore, SwitchRecord, SwitchStore } from '../../lib/migration/ports.ts';

const category = 'configuration';

/** Over the same store, since a fence is lifted by what the switch record says. */
export interface AuthorityAdapter {
  readonly authority: AuthorityStore;
  readonly switches: SwitchStore;
}

const toFlat: SwitchRecord = {
  category,
  to: 'flat',
  epoch: 3,
  stage: 'fencing',
  requestedBy: 'ann',
  startedAtMs: 1,
  fencedAtMs: null,
  openedAtMs: null,
};

export function authorityStoreContract(name: string, makeAdapter: () => Promise<AuthorityAdapter>): void {
  describe(`authority store: ${name}`, () => {
    let authority: AuthorityStore;
    let switches: SwitchStore;
    beforeEach(async () => {
      ({ authority, switches } = await makeAdapter());
      await authority.initialize(category, 1);
    });
    const states = async () => {
      const items = await authority.readAll(category);
      const distinct = new Set(
        items.map(({ side, epoch, fenced }) => `${side} ${epoch}${fenced ? ' fenced' : ''}`),
      );
      return { count: items.length, states: [...distinct] };
    };

    it('holds 64 items of the flat side, once', async () => {
      await authority.open(category, 'hierarchical', 2);
      await authority.initialize(category, 1);

      expect(await states()).toEqual({ count: 64, states: ['hierarchical 2'] });
      expect(await authority.readAll('metadata')).toEqual([]);
      expect(await authority.read('metadata', 0)).toBeNull();
    });

    it('opens only from the epoch before, and twice is once', async () => {
      await expect(authority.open(category, 'hierarchical', 3)).rejects.toMatchObject({
        name: 'AuthorityBehind',
      });
      expect(await states()).toEqual({ count: 64, states: ['flat 1'] });

      await authority.open(category, 'hierarchical', 2);
      await authority.open(category, 'hierarchical', 2);

      expect(await states()).toEqual({ count: 64, states: ['hierarchical 2'] });
      expect(await authority.read(category, 63)).toEqual({
        category,
        group: 63,
        side: 'hierarchical',
        epoch: 2,
        fenced: false,
      });
    });

    const beginSwitch = async (): Promise<void> => {
      const before: SwitchRecord = { ...toFlat, to: 'hierarchical', epoch: 2 };
      await switches.begin(before);
      await switches.advance({ ...before, stage: 'done' }, 'fencing');
      await switches.begin(toFlat);
    };

    it('fences and unfences its own epoch only, and opening ends a fence', async () => {
      await authority.open(category, 'hierarchical', 2);
      await beginSwitch();
      await switches.advance({ ...toFlat, stage: 'aborted' }, 'fencing');

      await authority.fence(category, 1);
      expect((await states()).states).toEqual(['hierarchical 2']);
      await authority.fence(category, 2);
      await authority.fence(category, 2);
      expect((await states()).states).toEqual(['hierarchical 2 fenced']);
      await authority.unfence(category, 1);
      expect((await states()).states).toEqual(['hierarchical 2 fenced']);
      await authority.unfence(category, 2);
      expect((await states()).states).toEqual(['hierarchical 2']);
      await authority.fence(category, 2);
      await authority.open(category, 'flat', 3);

      expect((await states()).states).toEqual(['flat 3']);
    });

    it('lifts no fence of a switch that was begun again after the abort', async () => {
      await authority.open(category, 'hierarchical', 2);
      await beginSwitch();
      await authority.fence(category, 2);
      await authority.unfence(category, 2);
      expect((await states()).states).toEqual(['hierarchical 2 fenced']);
      await switches.advance({ ...toFlat, stage: 'aborted' }, 'fencing');
      await switches.begin({ ...toFlat, attempt: 2 });

      await authority.unfence(category, 2);

      expect((await states()).states).toEqual(['hierarchical 2 fenced']);
    });

    it('does not leave a hierarchical side that still takes writes', async () => {
      await authority.open(category, 'hierarchical', 2);

      await expect(authority.open(category, 'flat', 3)).rejects.toMatchObject({ name: 'AuthorityBehind' });

      expect((await states()).states).toEqual(['hierarchical 2']);
    });

    it('never goes back to an older epoch', async () => {
      await authority.open(category, 'hierarchical', 2);
      await authority.fence(category, 2);
      await authority.open(category, 'flat', 3);

      await authority.open(category, 'hierarchical', 2);
      await authority.fence(category, 2);

      expect((await states()).states).toEqual(['flat 3']);
    });
  });
}
