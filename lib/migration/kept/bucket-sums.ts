import { bucketCount } from '../bucket.ts';
import { bucketOfHash } from '../digest-cells.ts';

/** Eight lanes of the terms and a count. */
const laneCount = 9;
const termLanes = 8;

/** The sum of the terms of each bucket on one side, modulo 2^32 by lane. 147 KB. */
export type BucketSums = Uint32Array;

export function emptySums(): BucketSums {
  return new Uint32Array(bucketCount * laneCount);
}

/** Adds (1) or subtracts (-1) what one side says of a key; null, nothing, changes nothing. */
export function addToBucket(sums: BucketSums, keyHash: Buffer, term: Buffer | null, sign: 1 | -1): void {
  if (term === null) return;
  const from = bucketOfHash(keyHash) * laneCount;
  for (let lane = 0; lane < termLanes; lane += 1) {
    sums[from + lane] = (sums[from + lane] ?? 0) + sign * term.readInt32LE(lane * 4);
  }
  sums[from + termLanes] = (sums[from + termLanes] ?? 0) + sign;
}

/** Buckets in which the sides differ. */
export function unequalBuckets(left: BucketSums, right: BucketSums): ReadonlySet<number> {
  const unequal = new Set<number>();
  for (let at = 0; at < left.length; at += 1) {
    if (left[at] !== right[at]) unequal.add(Math.floor(at / laneCount));
  }
  return unequal;
}
