import { beforeEach, describe, expect, it } from 'vitest';

import { groupOf } from '../../lib/migration/bucket.ts';
import { aRecord } from '../support/state-records.ts';
import type { HierarchicalAdapter } from './hierarchical-records.ts';

const category = 'user-sessions';

export function reversePendingStoreContract(
  name: string,
  makeAdapter: () => Promise<HierarchicalAdapter>,
): void {
  describe(`reverse-pending store: ${name}`, () => {
    let adapter: HierarchicalAdapter;
    beforeEach(async () => {
      adapter = await makeAdapter();
      await adapter.authority.initialize(category, 1);
      await adapter.authority.open(category, 'hierarchical', 2);
    });
    const write = async (id: string, sequence: number): Promise<number> => {
      const record = aRecord({ id, version: { epoch: 2, sequence }, origin: 'hierarchical' });
      const group = groupOf(record.key);
      const expected = sequence === 1 ? null : { epoch: 2, sequence: sequence - 1 };
      expect(await adapter.records.write(record, { group, expected })).toBe('written');
      return group;
    };

    it('is empty at first', async () => {
      expect(await adapter.reversePending.count(category)).toBe(0);
      expect(await adapter.reversePending.list(category, 0, 10)).toEqual([]);
    });

    it('holds one entry for a key, of its newest version', async () => {
      const group = await write('a', 1);
      await write('a', 2);

      const entries = await adapter.reversePending.list(category, group, 10);

      expect(entries.map(({ version }) => version)).toEqual([{ epoch: 2, sequence: 2 }]);
    });

    it('removes an entry unless a newer version replaced it, and twice is once', async () => {
      const group = await write('a', 1);
      const [first] = await adapter.reversePending.list(category, group, 10);
      await write('a', 2);

      await adapter.reversePending.remove(first!);
      expect(await adapter.reversePending.count(category)).toBe(1);

      const [second] = await adapter.reversePending.list(category, group, 10);
      await adapter.reversePending.remove(second!);
      await adapter.reversePending.remove(second!);
      expect(await adapter.reversePending.count(category)).toBe(0);
    });

    it('counts all groups of one category', async () => {
      for (const id of ['a', 'b', 'c', 'd']) await write(id, 1);

      expect(await adapter.reversePending.count(category)).toBe(4);
      expect(await adapter.reversePending.count('metadata')).toBe(0);
    });
  });
}
