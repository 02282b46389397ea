import { sha256Bytes } from '../../kernel/sha256.ts';
import type { Category } from '../category.ts';
import type { AgreedVerdict } from '../digest-term.ts';
import type { RecordOrigin, RecordVersion } from '../record.ts';
import { addToBucket, emptySums, type BucketSums } from './bucket-sums.ts';
import type { StreamPosition } from './ports.ts';

/** A term as base64url; null where the side has nothing. */
export type KeptTerm = string | null;

/** A key of which the two sides said different things last. */
export interface OpenKey {
  readonly category: Category;
  /** What flat says. While `target` is unknown it is in no sum: what flat said before is unknown, too. */
  readonly source: KeptTerm;
  /** Version of flat's last logged change; null when no change was logged meanwhile. */
  readonly expected: RecordVersion | null;
  /** What the target says; undefined until the stream tells. */
  readonly target: KeptTerm | undefined;
  readonly seen: RecordVersion | null;
}

type KeptCounts = Readonly<Record<AgreedVerdict, number>>;

/** A category whose digests are kept. */
export interface KeptCategory {
  readonly category: Category;
  /** Whose content the terms are of: the other side follows it. */
  readonly authority: RecordOrigin;
  readonly epoch: number;
  /** Changes up to here are folded; where flat follows it logs none. */
  logThrough: number;
  /** Records on the target, as the comparison at the beginning counted them and the stream changed them since. */
  counts: KeptCounts;
}

/**
 * What both sides said since a complete comparison found them equal: `source` and `target` hold, by bucket, what was
 * added minus what was taken away since then. Where they are equal, the sides are.
 */
export interface KeptDigests {
  /** `anchoring` while the complete comparison is under way: nothing can be concluded yet. */
  stage: 'anchoring' | 'kept';
  /** When that comparison began. */
  readonly anchoredAtMs: number;
  readonly categories: readonly KeptCategory[];
  position: StreamPosition;
  readonly source: BucketSums;
  readonly target: BucketSums;
  /** By partition key of the record. */
  readonly open: Map<string, OpenKey>;
  /** What the stream last showed of each key in this turn; not saved. The log, read after it, is about the same keys. */
  readonly shown: Map<string, Pick<OpenKey, 'seen'> & { readonly term: KeptTerm }>;
  /** The stream showed a key otherwise than it left it: changes are missing, the sums say nothing any more. */
  isTorn: boolean;
}

export function beginDigests(
  anchoredAtMs: number,
  categories: readonly KeptCategory[],
  position: StreamPosition,
): KeptDigests {
  return {
    stage: 'anchoring',
    anchoredAtMs,
    categories,
    position,
    source: emptySums(),
    target: emptySums(),
    open: new Map(),
    shown: new Map(),
    isTorn: false,
  };
}

export function keptCategory(digests: KeptDigests, category: Category): KeptCategory | undefined {
  return digests.categories.find((kept) => kept.category === category);
}

export function keptTerm(hash: Buffer | undefined): KeptTerm {
  return hash === undefined ? null : hash.toString('base64url');
}

/** Takes `from` away from a side's sums and adds `to`. */
export function moveTerm(sums: BucketSums, pk: string, from: KeptTerm, to: KeptTerm): void {
  if (from === to) return;
  const keyHash = sha256Bytes(pk);
  addToBucket(sums, keyHash, bytesOf(from), -1);
  addToBucket(sums, keyHash, bytesOf(to), 1);
}

function bytesOf(term: KeptTerm): Buffer | null {
  return term === null ? null : Buffer.from(term, 'base64url');
}

/** Keeps the key only while it is open: sides that say the same leave nothing to remember. */
export function setOpen(digests: KeptDigests, pk: string, key: OpenKey): void {
  if (key.target !== undefined && key.target === key.source) digests.open.delete(pk);
  else digests.open.set(pk, key);
}
