import { beforeEach, describe, expect, it } from 'vitest';

import type { SwitchRecord, SwitchStore } from '../../lib/migration/ports.ts';

const first: SwitchRecord = {
  category: 'metadata',
  to: 'hierarchical',
  epoch: 2,
  stage: 'fencing',
  requestedBy: 'ann',
  startedAtMs: 1,
  fencedAtMs: null,
  openedAtMs: null,
};
const done: SwitchRecord = { ...first, stage: 'done', fencedAtMs: 2, openedAtMs: 3 };

export function switchStoreContract(name: string, makeAdapter: () => Promise<SwitchStore>): void {
  describe(`switch store: ${name}`, () => {
    let switches: SwitchStore;
    beforeEach(async () => {
      switches = await makeAdapter();
    });

    it('holds nothing before the first switch', async () => {
      expect(await switches.current('metadata')).toBeNull();
    });

    it('begins one switch at a time', async () => {
      expect(await switches.begin(first)).toBe(true);
      expect(await switches.begin({ ...first, requestedBy: 'bob' })).toBe(false);

      expect(await switches.current('metadata')).toEqual(first);
      expect(await switches.current('configuration')).toBeNull();
    });

    it('moves on from the stage that it is in', async () => {
      await switches.begin(first);

      expect(await switches.advance(done, 'draining')).toBe(false);
      expect(await switches.advance(done, 'fencing')).toBe(true);
      expect(await switches.advance(done, 'fencing')).toBe(false);

      expect(await switches.current('metadata')).toEqual(done);
    });

    it('goes on to the next epoch only', async () => {
      await switches.begin(first);
      await switches.advance(done, 'fencing');
      const back: SwitchRecord = { ...first, to: 'flat', epoch: 3 };

      expect(await switches.begin({ ...back, epoch: 2 })).toBe(false);
      expect(await switches.begin({ ...back, epoch: 4 })).toBe(false);
      expect(await switches.begin(back)).toBe(true);
    });

    it('begins again at the same epoch after an abort, as the next attempt', async () => {
      await switches.begin(first);
      await switches.advance({ ...first, stage: 'aborted' }, 'fencing');

      expect(await switches.begin({ ...first, epoch: 3 })).toBe(false);
      expect(await switches.begin({ ...first, startedAtMs: 9 })).toBe(false);
      expect(await switches.begin({ ...first, attempt: 3 })).toBe(false);
      expect(await switches.begin({ ...first, attempt: 2 })).toBe(true);
      expect(await switches.current('metadata')).toEqual({ ...first, attempt: 2 });
    });

    it('moves on only the attempt that is under way', async () => {
      await switches.begin(first);
      await switches.advance({ ...first, stage: 'aborted' }, 'fencing');
      await switches.begin({ ...first, attempt: 2 });

      expect(await switches.advance({ ...first, stage: 'draining' }, 'fencing')).toBe(false);
      expect(await switches.advance({ ...first, attempt: 2, stage: 'aborted' }, 'fencing')).toBe(true);
      expect(await switches.begin({ ...first, attempt: 2 })).toBe(false);
      expect(await switches.begin({ ...first, attempt: 3 })).toBe(true);
      expect(await switches.advance({ ...first, attempt: 2, stage: 'draining' }, 'fencing')).toBe(false);
    });

    it('counts attempts anew at the next epoch', async () => {
      await switches.begin(first);
      await switches.advance({ ...first, stage: 'aborted' }, 'fencing');
      await switches.begin({ ...first, attempt: 2 });
      await switches.advance({ ...done, attempt: 2 }, 'fencing');

      expect(await switches.begin({ ...first, to: 'flat', epoch: 3, attempt: 2 })).toBe(false);
      expect(await switches.begin({ ...first, to: 'flat', epoch: 3 })).toBe(true);
    });
  });
}
