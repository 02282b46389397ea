import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { addTerm, differingBuckets, emptyCells } from '../../lib/migration/digest-cells.ts';

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** One thing that is wrong with the target, beside records that are right. */
const damages = fc.record({
  records: fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 30 }),
  kind: fc.constantFrom('counted twice more', 'counted once more', 'missing', 'changed'),
});

type Damage = typeof damages extends fc.Arbitrary<infer Value> ? Value : never;

/** The terms that the target counts for the first record, each with its sign. */
function termsOf(kind: Damage['kind'], record: number): readonly string[] {
  const right = `content ${record}`;
  if (kind === 'counted twice more') return [right, right, right];
  if (kind === 'counted once more') return [right, right];
  return kind === 'missing' ? [] : [`other ${record}`];
}

function targetTerms({ records, kind }: Damage): readonly (readonly [key: Buffer, term: Buffer])[] {
  const [first = 0, ...others] = records;
  const texts = [
    ...termsOf(kind, first).map((text) => [first, text] as const),
    ...others.map((record) => [record, `content ${record}`] as const),
  ];
  return texts.map(([record, text]) => [sha256(`key ${record}`), sha256(text)]);
}

function sourceTerms({ records }: Damage): readonly (readonly [key: Buffer, term: Buffer])[] {
  return records.map((record) => [sha256(`key ${record}`), sha256(`content ${record}`)]);
}

function differsInCells(damage: Damage): boolean {
  const cells = emptyCells();
  for (const [key, term] of sourceTerms(damage)) addTerm(cells, key, term, 1);
  for (const [key, term] of targetTerms(damage)) addTerm(cells, key, term, -1);
  return differingBuckets(cells).size > 0;
}

/** The planted bug: what is there twice more is not there at all. */
function differsInXor(damage: Damage): boolean {
  const sum = Buffer.alloc(32);
  for (const [, term] of [...sourceTerms(damage), ...targetTerms(damage)]) {
    for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] ?? 0) ^ (term[at] ?? 0);
  }
  return sum.some((byte) => byte !== 0);
}

describe('digests', () => {
  it('tell every difference, of a record that is counted more than once as well', () => {
    fc.assert(fc.property(damages, differsInCells), { numRuns: 300, seed: 1 });
  });

  it('by XOR would not: the same property finds what they miss', () => {
    const { failed, counterexample } = fc.check(fc.property(damages, differsInXor), {
      numRuns: 300,
      seed: 1,
    });

    expect(failed).toBe(true);
    expect(counterexample?.[0].kind).toBe('counted twice more');
  });
});
