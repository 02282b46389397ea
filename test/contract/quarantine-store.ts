import { beforeEach, describe, expect, it } from 'vitest';

import type { QuarantineStore } from '../../lib/migration/ports.ts';
import { setAsideKey } from '../../lib/migration/set-aside-key.ts';

const category = 'learning-data';
const entry = {
  key: { recordType: 'memory', id: 'a' },
  category,
  version: { epoch: 1, sequence: 5 },
  errorName: 'InvalidJson',
  errorMessage: 'not JSON',
  rawRow: '{"id":"a"}',
  rawLengthBytes: 10,
  firstSeenAtMs: 100,
} as const;
const newer = { epoch: 1, sequence: 6 };

export function quarantineStoreContract(name: string, makeAdapter: () => Promise<QuarantineStore>): void {
  describe(`quarantine store: ${name}`, () => {
    let quarantine: QuarantineStore;
    beforeEach(async () => {
      quarantine = await makeAdapter();
    });
    const listed = async () => (await quarantine.list(category, null, 10)).entries;

    it('keeps an entry with everything in it', async () => {
      await quarantine.put(entry);

      expect(await listed()).toEqual([{ ...entry, attempts: 1 }]);
      expect(await quarantine.count(category)).toBe(1);
      expect(await quarantine.count('metadata')).toBe(0);
    });

    it('gives the entry of one key until it is resolved', async () => {
      await quarantine.put(entry);

      expect(await quarantine.get(category, entry.key)).toEqual({ ...entry, attempts: 1 });
      expect(await quarantine.get('metadata', entry.key)).toBeNull();
      await quarantine.resolve(entry.key, category, entry.version);
      expect(await quarantine.get(category, entry.key)).toBeNull();
    });

    it('tells what the copy put there from what was set aside', async () => {
      await quarantine.put(entry);
      await quarantine.put({ ...entry, key: setAsideKey({ recordType: 'memory', id: 'b' }, 'fix-1') });

      expect(await quarantine.count(category)).toBe(2);
      expect(await quarantine.countUnconverted(category)).toBe(1);
      await quarantine.resolve(entry.key, category, entry.version);
      expect(await quarantine.countUnconverted(category)).toBe(0);
    });

    it('counts the attempts and keeps the first sight', async () => {
      await quarantine.put(entry);
      await quarantine.put({ ...entry, version: newer, firstSeenAtMs: 900 });

      expect(await listed()).toMatchObject([{ attempts: 2, version: newer, firstSeenAtMs: 100 }]);
    });

    it('does not let an older fault replace a newer one', async () => {
      await quarantine.put({ ...entry, version: newer, errorName: 'Newer' });
      await quarantine.put(entry);

      expect(await listed()).toMatchObject([{ errorName: 'Newer', version: newer }]);
    });

    it('resolves up to a version', async () => {
      await quarantine.put({ ...entry, version: newer });

      await quarantine.resolve(entry.key, category, entry.version);
      expect(await quarantine.count(category)).toBe(1);
      await quarantine.resolve(entry.key, category, newer);
      await quarantine.resolve(entry.key, category, newer);

      expect(await quarantine.count(category)).toBe(0);
    });

    it('finds those of many keys that have an unresolved entry', async () => {
      const ids = Array.from({ length: 150 }, (_, number) => ({ recordType: 'memory', id: `k${number}` }));
      await quarantine.put({ ...entry, key: ids[3]! });
      await quarantine.put({ ...entry, key: ids[120]! });
      await quarantine.put({ ...entry, key: ids[149]! });
      await quarantine.resolve(ids[120]!, category, newer);

      const found = await quarantine.find(category, ids);

      expect(new Set(found.map(({ id }) => id))).toEqual(new Set(['k3', 'k149']));
      expect(await quarantine.find('metadata', ids)).toEqual([]);
      expect(await quarantine.find(category, [])).toEqual([]);
    });

    it('lists over pages', async () => {
      const ids = Array.from({ length: 12 }, (_, number) => `k${number}`);
      for (const id of ids) await quarantine.put({ ...entry, key: { recordType: 'memory', id } });

      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<QuarantineStore['list']>> = await quarantine.list(category, cursor, 5);
        found.push(...page.entries.map(({ key }) => key.id));
        cursor = page.cursor;
      } while (cursor !== null);

      expect(found.toSorted()).toEqual(ids.toSorted());
    });
  });
}
