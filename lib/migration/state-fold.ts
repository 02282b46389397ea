import { bucketCount } from './bucket.ts';
import type { Category } from './category.ts';
import { emptyCells, type DigestCells } from './digest-cells.ts';
import type { AgreedVerdict } from './digest-term.ts';
import type { RecordOrigin } from './record.ts';

/** A category of which both sides are folded, as it stood when the folding began. */
export interface FoldedCategory {
  readonly category: Category;
  readonly authority: RecordOrigin;
  readonly epoch: number;
  /** Changes up to here were on the target before the first row was read. */
  readonly appliedThrough: number;
}

/** What a verification knows between two of its invocations, beside its counts. */
export interface StateFold {
  /** Rows minus records. */
  cells: DigestCells;
  /** Records on the target by bucket, category (in the order of `categories`) and verdict. */
  counts: Uint32Array;
  readonly categories: readonly FoldedCategory[];
  /** Highest sequence of each category when its rows had been read; empty until then. */
  closedAt: Readonly<Record<Category, number>>;
  /** Keys (as `recordPk`) that changed meanwhile: they are judged one by one. */
  readonly exact: Set<string>;
  /** Record types of which rows can expire. */
  readonly expiring: Set<string>;
  /** A record that was folded, for the canary. */
  sample: { readonly keyHash: string; readonly term: string } | null;
  /** Buckets to be looked at key by key; null until the fold is settled. */
  differing: ReadonlySet<number> | null;
  /** Categories of which the authority moved meanwhile: they are judged key by key. */
  readonly moved: Set<Category>;
}

/** More changed keys than this are not kept: their buckets differ then. */
export const mostExactKeys = 10_000;

const verdicts: readonly AgreedVerdict[] = ['verified', 'quarantined', 'tombstoned'];

export function emptyFold(categories: readonly FoldedCategory[]): StateFold {
  return {
    cells: categories.length === 0 ? new Uint32Array() : emptyCells(),
    counts: new Uint32Array(bucketCount * categories.length * verdicts.length),
    categories,
    closedAt: {},
    exact: new Set(),
    expiring: new Set(),
    sample: null,
    differing: null,
    moved: new Set(),
  };
}

/** After the result is taken: cells and counts are needed no more. */
export function dropDigests(fold: StateFold): void {
  fold.cells = new Uint32Array();
  fold.counts = new Uint32Array();
}

export function foldedCategory(fold: StateFold, category: Category): FoldedCategory | undefined {
  return fold.categories.find((folded) => folded.category === category);
}

/** Counts one record of a bucket. */
export function countAgreed(
  fold: StateFold,
  bucket: number,
  category: Category,
  verdict: AgreedVerdict,
): void {
  const at = countAt(fold, bucket, category, verdict);
  fold.counts[at] = (fold.counts[at] ?? 0) + 1;
}

/** Counts of one category over the buckets that agree. */
export function agreedCounts(fold: StateFold, category: Category): Record<AgreedVerdict, number> {
  const sums = { verified: 0, quarantined: 0, tombstoned: 0 };
  for (let bucket = 0; bucket < bucketCount; bucket += 1) {
    if (fold.differing?.has(bucket) === true) continue;
    for (const verdict of verdicts) {
      sums[verdict] += fold.counts[countAt(fold, bucket, category, verdict)] ?? 0;
    }
  }
  return sums;
}

function countAt(fold: StateFold, bucket: number, category: Category, verdict: AgreedVerdict): number {
  const ours = fold.categories.findIndex((folded) => folded.category === category);
  return (bucket * fold.categories.length + ours) * verdicts.length + verdicts.indexOf(verdict);
}

interface Header {
  readonly categories: readonly FoldedCategory[];
  readonly closedAt: Readonly<Record<Category, number>>;
  readonly exact: readonly string[];
  readonly expiring: readonly string[];
  readonly sample: StateFold['sample'];
  readonly differing: readonly number[] | null;
  readonly moved: readonly Category[];
}

/** As bytes: length of the header, the header as JSON, the cells and the counts while there are any. */
export function encodeFold(fold: StateFold): Uint8Array {
  const { cells, counts, differing, exact, expiring, moved, ...rest } = fold;
  const header: Header = {
    ...rest,
    exact: [...exact],
    expiring: [...expiring],
    differing: differing === null ? null : [...differing],
    moved: [...moved],
  };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, bytesOf(cells), bytesOf(counts)]);
}

export function decodeFold(bytes: Uint8Array): StateFold {
  const buffer = Buffer.from(bytes);
  const from = 4 + buffer.readUInt32LE(0);
  const header = JSON.parse(buffer.toString('utf8', 4, from)) as Header;
  const fold = emptyFold(header.categories);
  if (header.differing !== null) {
    dropDigests(fold);
  } else {
    buffer.copy(bytesOf(fold.cells), 0, from);
    buffer.copy(bytesOf(fold.counts), 0, from + fold.cells.byteLength);
  }
  for (const pk of header.exact) fold.exact.add(pk);
  for (const recordType of header.expiring) fold.expiring.add(recordType);
  for (const category of header.moved) fold.moved.add(category);
  fold.closedAt = header.closedAt;
  fold.sample = header.sample;
  fold.differing = header.differing === null ? null : new Set(header.differing);
  return fold;
}

/** Both ends of a cursor run on little-endian machines. */
function bytesOf(lanes: Uint32Array): Buffer {
  return Buffer.from(lanes.buffer, lanes.byteOffset, lanes.byteLength);
}
