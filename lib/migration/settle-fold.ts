import { sha256Bytes } from '../kernel/sha256.ts';
import {
  addTerm,
  bucketOfHash,
  differingBuckets,
  isDiffering,
  removeKeys,
  type DigestCells,
} from './digest-cells.ts';
import type { FlatSource } from './ports.ts';
import type { StateFold } from './state-fold.ts';

/**
 * Compares the two sides: takes the keys that are judged by themselves out of the cells and notes the buckets that
 * differ still. Answers how many of the differences planted in a bucket of the result were found.
 */
export async function settleFold(
  source: FlatSource,
  fold: StateFold,
): Promise<{ readonly planted: number; readonly found: number }> {
  for (const { category, authority, epoch } of fold.categories) {
    const now = await source.authority(category);
    const side = now.state === 'following' ? 'hierarchical' : 'flat';
    if (side !== authority || now.epoch !== epoch) fold.moved.add(category);
  }
  removeKeys(
    fold.cells,
    [...fold.exact].map((pk) => sha256Bytes(pk)),
  );
  fold.differing = differingBuckets(fold.cells);
  return fold.sample === null ? { planted: 0, found: 0 } : plantInDigest(fold.cells, fold.sample);
}

/** What each side says of the sample: its term, how often. */
interface Plant {
  readonly term: 'own' | 'other';
  readonly sign: 1 | -1;
}

/** A mismatch, a record that is missing, one that is too much, one that was counted twice. */
const plants: readonly (readonly Plant[])[] = [
  [
    { term: 'own', sign: 1 },
    { term: 'other', sign: -1 },
  ],
  [{ term: 'own', sign: 1 }],
  [{ term: 'other', sign: -1 }],
  [
    { term: 'own', sign: -1 },
    { term: 'own', sign: -1 },
  ],
];

const other = sha256Bytes('planted');

/** Only where the sides agree: a bucket that differs anyway proves nothing. */
function plantInDigest(
  cells: DigestCells,
  sample: { readonly keyHash: string; readonly term: string },
): { readonly planted: number; readonly found: number } {
  const keyHash = Buffer.from(sample.keyHash, 'hex');
  const own = Buffer.from(sample.term, 'hex');
  const bucket = bucketOfHash(keyHash);
  if (isDiffering(cells, bucket)) return { planted: 0, found: 0 };
  const found = plants.filter((plant) => {
    for (const { term, sign } of plant) addTerm(cells, keyHash, term === 'own' ? own : other, sign);
    const isFound = isDiffering(cells, bucket);
    for (const { term, sign } of plant) {
      addTerm(cells, keyHash, term === 'own' ? own : other, sign === 1 ? -1 : 1);
    }
    return isFound;
  });
  return { planted: plants.length, found: found.length };
}
