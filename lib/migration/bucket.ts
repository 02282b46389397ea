import { sha256Hex } from '../kernel/sha256.ts';
import { recordPk } from './key.ts';
import type { RecordKey } from './row.ts';

/** Digests are kept for this many buckets. */
export const bucketCount = 4096;

/** Authority is held in this many items per category, so that their transactions do not contend for one item. */
export const groupCount = 64;

/** First 12 bits of sha256(pk): 0..4095. */
export function bucketOf(key: RecordKey): number {
  return Number.parseInt(sha256Hex(recordPk(key)).slice(0, 3), 16);
}

/** The authority item that guards a key: 0..63. */
export function groupOf(key: RecordKey): number {
  return bucketOf(key) >> 6;
}
