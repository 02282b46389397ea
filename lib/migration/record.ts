import type { Category } from './category.ts';
import type { RecordKey } from './row.ts';

/**
 * The version of one key, ordered lexicographically.
 * `epoch` counts authority switches of the category. Under flat authority `sequence` is the change-log
 * sequence of the key's last change (never wall clock, never restarted by a re-insert); under hierarchical
 * authority it is a per-key counter raised by the conditional write itself and kept by tombstones.
 */
export interface RecordVersion {
  readonly epoch: number;
  readonly sequence: number;
}

/** What a key holds on the target. A tombstone and a quarantine marker carry a version like any other state. */
export type RecordState = 'live' | 'tombstone' | 'quarantined';

/** Which system's write produced this version; the reverse path only carries `hierarchical` ones to flat. */
export type RecordOrigin = 'flat' | 'hierarchical';

/** One item of the hierarchical state table. */
export interface TargetRecord {
  readonly key: RecordKey;
  readonly category: Category;
  readonly version: RecordVersion;
  readonly state: RecordState;
  readonly origin: RecordOrigin;
  /** Canonical JSON text of the hierarchical record; null unless `state` is live. */
  readonly body: string | null;
  /** sha256 (hex) over key, version, state and body, so that a moved or replayed body cannot pass. */
  readonly hash: string;
  /** Epoch seconds at which the item may disappear by itself (sessions); absent means never. */
  readonly expiresAtS?: number;
}

/** A record as found: `intact` is false when the stored hash does not match the stored content. */
export interface StoredRecord extends TargetRecord {
  readonly intact: boolean;
}

/** -1, 0 or 1, as for sort. */
export function compareVersions(left: RecordVersion, right: RecordVersion): number {
  if (left.epoch !== right.epoch) return left.epoch < right.epoch ? -1 : 1;
  if (left.sequence !== right.sequence) return left.sequence < right.sequence ? -1 : 1;
  return 0;
}

/** Of a key that may have none. */
export function isSameVersion(left: RecordVersion | null, right: RecordVersion | null): boolean {
  if (left === null || right === null) return left === right;
  return compareVersions(left, right) === 0;
}
