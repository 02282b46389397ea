import { beforeEach, describe, expect, it } from 'vitest';

import type { RelayStore } from '../../lib/migration/ports.ts';

const category = 'metadata';

function batch(afterSequence: number, throughSequence: number) {
  return { category, afterSequence, throughSequence, sentAtMs: 5 } as const;
}

export function relayStoreContract(name: string, makeAdapter: () => Promise<RelayStore>): void {
  describe(`relay store: ${name}`, () => {
    let relay: RelayStore;
    beforeEach(async () => {
      relay = await makeAdapter();
    });

    it('begins at the start of the log', async () => {
      expect(await relay.cursor(category)).toBe(0);
      expect(await relay.pending(category, 10)).toEqual([]);
    });

    it('adds a batch and moves the cursor together, from where the cursor is', async () => {
      expect(await relay.begin(batch(0, 4))).toBe(true);
      expect(await relay.begin(batch(0, 6))).toBe(false);
      expect(await relay.begin(batch(4, 120))).toBe(true);

      expect(await relay.cursor(category)).toBe(120);
      expect(await relay.pending(category, 10)).toEqual([batch(0, 4), batch(4, 120)]);
    });

    it('lists the oldest open batches first', async () => {
      for (const [after, through] of [
        [0, 9],
        [9, 10],
        [10, 101],
      ] as const)
        await relay.begin(batch(after, through));

      expect(await relay.pending(category, 2)).toEqual([batch(0, 9), batch(9, 10)]);
    });

    it('closes a batch, more than once, and leaves the others open', async () => {
      await relay.begin(batch(0, 9));
      await relay.begin(batch(9, 10));

      await relay.finish(category, 9);
      await relay.finish(category, 9);

      expect(await relay.pending(category, 10)).toEqual([batch(9, 10)]);
      expect(await relay.cursor(category)).toBe(10);
    });

    it('keeps the categories apart', async () => {
      await relay.begin(batch(0, 9));

      expect(await relay.cursor('configuration')).toBe(0);
      expect(await relay.pending('configuration', 10)).toEqual([]);
    });
  });
}
