import { beforeEach, describe, expect, it } from 'vitest';

import { editionDigest } from '../../lib/migration/editions/edition-digest.ts';
import type { Edition, EditionRecord, EditionStore } from '../../lib/migration/editions/ports.ts';

function recordsOf(content: string, count = 3): readonly EditionRecord[] {
  return Array.from({ length: count }, (_, at) => ({
    pk: `config/server|${String(at).padStart(4, '0')}`,
    body: `{"value":"${content}"}`,
  }));
}

function editionOf(number: number, records: readonly EditionRecord[], by = 'a'): Edition {
  const digest = editionDigest(records);
  return {
    category: 'configuration',
    number,
    count: records.length,
    digest,
    publishedAtMs: 5,
    by,
    earlier: [],
  };
}

export function editionStoreContract(name: string, makeAdapter: () => Promise<EditionStore>): void {
  describe(`edition store: ${name}`, () => {
    let editions: EditionStore;
    beforeEach(async () => {
      editions = await makeAdapter();
    });

    it('gives back all records of an edition in the order of their keys, more than one page of them too', async () => {
      const records = recordsOf('x'.repeat(2_000), 900);
      const edition = editionOf(1, records);
      await editions.write(edition, records.toReversed());

      expect(await editions.records(edition)).toEqual(records);
      expect(await editions.current('configuration')).toBeNull();
    });

    it('has one current edition per category, each behind the one before it', async () => {
      const [first, second] = [editionOf(1, recordsOf('one')), editionOf(2, recordsOf('two'))];

      expect(await editions.publish(second)).toBe(false);
      expect(await editions.publish(first)).toBe(true);
      expect(await editions.publish({ ...first, by: 'b' })).toBe(false);
      expect(await editions.publish(second)).toBe(true);
      expect(await editions.publish(first)).toBe(false);
      expect(await editions.current('configuration')).toEqual(second);
      expect(await editions.current('metadata')).toBeNull();
    });

    it('lets one of two win who publish at once', async () => {
      const rivals = [editionOf(1, recordsOf('one'), 'a'), editionOf(1, recordsOf('two'), 'b')];
      const outcomes = await Promise.all(rivals.map((rival) => editions.publish(rival)));

      expect(outcomes.filter((isPublished) => isPublished)).toHaveLength(1);
      expect(await editions.current('configuration')).toEqual(rivals[outcomes.indexOf(true)]);
    });

    it('keeps editions of other content apart, and removes one without the others', async () => {
      const [one, other] = [recordsOf('one'), recordsOf('other')];
      await editions.write(editionOf(1, one), one);
      await editions.write(editionOf(1, other), other);
      await editions.remove(editionOf(1, one));

      expect(await editions.records(editionOf(1, one))).toEqual([]);
      expect(await editions.records(editionOf(1, other))).toEqual(other);
    });
  });
}
