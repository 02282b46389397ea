import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { seededRandom } from '../../../lib/kernel/random.ts';
import { sha256Bytes } from '../../../lib/kernel/sha256.ts';
import { bucketOf } from '../../../lib/migration/bucket.ts';
import {
  addTerm,
  bucketOfHash,
  differingBuckets,
  emptyCells,
  removeKeys,
} from '../../../lib/migration/digest-cells.ts';
import { recordPk } from '../../../lib/migration/key.ts';
import { emptyFold, encodeFold } from '../../../lib/migration/state-fold.ts';

const keyHash = (id: number) => sha256Bytes(`session/${id}`);
const term = (id: number, content = 'same') => sha256Bytes(`${id} ${content}`);

describe('the digests of two sides', () => {
  it('agree in every bucket for equal sets, in whatever order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { maxLength: 60 }), fc.integer(), (ids, seed) => {
        const cells = emptyCells();
        const random = seededRandom(seed);
        for (const id of ids) addTerm(cells, keyHash(id), term(id), 1);
        const shuffled = ids.toSorted(() => random.next() - 0.5);
        for (const id of shuffled) addTerm(cells, keyHash(id), term(id), -1);

        expect(differingBuckets(cells).size).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('differ in the bucket of a record that is missing, too much, changed, or counted twice', () => {
    const bucket = bucketOfHash(keyHash(1));
    const damages: ((cells: Uint32Array) => void)[] = [
      (cells) => addTerm(cells, keyHash(1), term(1), 1),
      (cells) => addTerm(cells, keyHash(1), term(1), -1),
      (cells) => {
        addTerm(cells, keyHash(1), term(1), 1);
        addTerm(cells, keyHash(1), term(1, 'changed'), -1);
      },
      // XOR would let a pair vanish.
      (cells) => {
        addTerm(cells, keyHash(1), term(1), -1);
        addTerm(cells, keyHash(1), term(1), -1);
      },
    ];
    for (const damage of damages) {
      const cells = emptyCells();
      damage(cells);
      expect([...differingBuckets(cells)]).toEqual([bucket]);
    }
  });

  it('puts a key into the bucket of its authority group', () => {
    const key = { recordType: 'session', id: 'a' };
    expect(bucketOfHash(sha256Bytes(recordPk(key)))).toBe(bucketOf(key));
  });

  it('need no more than 1 MB for five categories', () => {
    const folded = ['a', 'b', 'c', 'd', 'e'].map((category) => ({
      category,
      authority: 'flat' as const,
      epoch: 1,
      appliedThrough: 0,
    }));

    expect(encodeFold(emptyFold(folded)).length).toBeLessThan(1_000_000);
  });
});

describe('keys that changed between the two looks', () => {
  const changedCount = 6_000;
  const changed = Array.from({ length: changedCount }, (_, id) => id);

  /** Of some keys one side was folded, of some both with different content, of some none. */
  function disturbed() {
    const cells = emptyCells();
    for (const id of changed) {
      if (id % 3 > 0) addTerm(cells, keyHash(id), term(id, 'old'), 1);
      if (id % 3 === 2) addTerm(cells, keyHash(id), term(id, 'new'), -1);
    }
    return cells;
  }

  it('leave no difference behind once they are taken out, thousands of them', () => {
    const cells = disturbed();
    expect(differingBuckets(cells).size).toBeGreaterThan(2_500);

    removeKeys(cells, changed.map(keyHash));

    expect(differingBuckets(cells).size).toBe(0);
  });

  it('hide no difference of another key, wherever it falls', () => {
    for (let stranger = changedCount; stranger < changedCount + 20; stranger += 1) {
      const cells = disturbed();
      addTerm(cells, keyHash(stranger), term(stranger, 'flat'), 1);
      if (stranger % 2 === 0) addTerm(cells, keyHash(stranger), term(stranger, 'damaged'), -1);

      removeKeys(cells, changed.map(keyHash));

      expect(differingBuckets(cells)).toContain(bucketOfHash(keyHash(stranger)));
    }
  });

  it('leave their buckets differing when there are too many to tell them apart', () => {
    const cells = emptyCells();
    const many = Array.from({ length: 20_000 }, (_, id) => id);
    for (const id of many) addTerm(cells, keyHash(id), term(id), 1);

    removeKeys(cells, many.map(keyHash));

    expect(differingBuckets(cells).size).toBeGreaterThan(0);
  });
});
