import { bucketOfHash } from '../digest-cells.ts';
import { sha256Bytes } from '../../kernel/sha256.ts';
import type { Category } from '../category.ts';
import { compareVersions } from '../record.ts';
import { addToBucket, unequalBuckets } from './bucket-sums.ts';
import type { KeptDigests, OpenKey } from './kept-digests.ts';

export interface DigestComparison {
  /** Keys to be judged one by one: they are open, and nothing is on its way that could close them. */
  readonly suspects: readonly string[];
  readonly unequal: number;
  /** The sums differ where no key is open, or the stream left something out: begin anew. */
  readonly isTorn: boolean;
}

/**
 * Compares both sides at the cut: what is applied up to `appliedThrough` (by category, asked before the stream was
 * read) has to be in the stream, and what is in the stream without a later change in the log has to be what flat says.
 */
export function compareDigests(
  digests: KeptDigests,
  appliedThrough: ReadonlyMap<Category, number>,
): DigestComparison {
  const unequal = unequalBuckets(digests.source, digests.target);
  const explained = new Set<number>();
  const suspects: string[] = [];
  for (const [pk, key] of digests.open) {
    if (key.target !== undefined) explained.add(bucketOfHash(sha256Bytes(pk)));
    if (!isOnItsWay(key, appliedThrough.get(key.category) ?? 0)) suspects.push(pk);
  }
  const isTorn = digests.isTorn || [...unequal].some((bucket) => !explained.has(bucket));
  return { suspects, unequal: unequal.size, isTorn };
}

/** The target need not have flat's last change yet. */
function isOnItsWay({ expected, seen }: OpenKey, appliedThrough: number): boolean {
  if (expected === null || expected.sequence <= appliedThrough) return false;
  return seen === null || compareVersions(seen, expected) < 0;
}

const plantedKey = sha256Bytes('planted key');
const own = sha256Bytes('planted');
const other = sha256Bytes('planted otherwise');

/** What flat and the target say more: a mismatch, a record that is missing, one too much, one counted twice. */
const plants = [
  { source: [own], target: [other] },
  { source: [own], target: [] },
  { source: [], target: [other] },
  { source: [own], target: [own, own] },
];

/** Plants differences into the sums, which the comparison has to find; afterwards they are as they were. */
export function plantInSums({ source, target }: Pick<KeptDigests, 'source' | 'target'>): {
  readonly planted: number;
  readonly found: number;
} {
  const bucket = bucketOfHash(plantedKey);
  if (unequalBuckets(source, target).has(bucket)) return { planted: 0, found: 0 };
  const add = (plant: (typeof plants)[number], sign: 1 | -1): void => {
    for (const term of plant.source) addToBucket(source, plantedKey, term, sign);
    for (const term of plant.target) addToBucket(target, plantedKey, term, sign);
  };
  const found = plants.filter((plant) => {
    add(plant, 1);
    const isFound = unequalBuckets(source, target).has(bucket);
    add(plant, -1);
    return isFound;
  });
  return { planted: plants.length, found: found.length };
}
