import { sha256Bytes } from '../kernel/sha256.ts';
import { addTerm, bucketOfHash, differingBuckets, removeKeys, type DigestCells } from './digest-cells.ts';
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

type Plant = (cells: DigestCells, keyHash: Buffer, term: Buffer) => void;

const other = sha256Bytes('planted');

const plants: readonly Plant[] = [
  // A mismatch, a record that is missing, one that is too much, one that was counted twice.
  (cells, keyHash, term) => {
    addTerm(cells, keyHash, term, 1);
    addTerm(cells, keyHash, other, -1);
  },
  (cells, keyHash, term) => addTerm(cells, keyHash, term, 1),
  (cells, keyHash) => addTerm(cells, keyHash, other, -1),
  (cells, keyHash, term) => {
    addTerm(cells, keyHash, term, -1);
    addTerm(cells, keyHash, term, -1);
  },
];

/** Only where the sides agree: a bucket that differs anyway proves nothing. */
function plantInDigest(
  cells: DigestCells,
  sample: { readonly keyHash: string; readonly term: string },
): { readonly planted: number; readonly found: number } {
  const keyHash = Buffer.from(sample.keyHash, 'hex');
  const term = Buffer.from(sample.term, 'hex');
  const bucket = bucketOfHash(keyHash);
  if (differingBuckets(cells).has(bucket)) return { planted: 0, found: 0 };
  const found = plants.filter((plant) => {
    const copy = cells.slice();
    plant(copy, keyHash, term);
    return differingBuckets(copy).has(bucket);
  });
  return { planted: plants.length, found: found.length };
}
