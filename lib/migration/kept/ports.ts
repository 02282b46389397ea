import type { StoredRecord } from '../record.ts';

/** One change of one item of the state table, with both of its images. */
export interface StreamChange {
  readonly shardId: string;
  /** Grows within a shard; compared as a number of any length. */
  readonly sequence: string;
  /** null: the item was not there. */
  readonly before: StoredRecord | null;
  /** null: the item was removed. */
  readonly after: StoredRecord | null;
  /** The store itself removed the item, since its time was over. */
  readonly expired: boolean;
}

export interface ShardPosition {
  /** Sequence of the last change that is in the digests; null before the first. Only the fold moves it. */
  readonly folded: string | null;
  /** Where to read while nothing is folded: a place that the stream gave out, or null for the shard's beginning. */
  readonly iterator: string | null;
  /** The shard was read to its end; its children follow. */
  readonly isOver: boolean;
}

/** By shard. */
export type StreamPosition = Readonly<Record<string, ShardPosition>>;

export interface StreamPage {
  /** The changes of one key are in their order. Some may come a second time. */
  readonly changes: readonly StreamChange[];
  readonly position: StreamPosition;
  readonly caughtUp: boolean;
}

/**
 * The change stream of the state table, read by whoever keeps digests.
 * Adapters: `lib/aws/state-stream.ts`, `lib/memory/state-stream.ts`; contract: `test/contract/state-stream.ts`.
 */
export interface StateStream {
  /** Behind every change that was made so far, before every later one. */
  latest(): Promise<StreamPosition>;
  /** The next changes; null when the stream no longer has all of them. */
  read(position: StreamPosition): Promise<StreamPage | null>;
}

export interface KeptBytes {
  readonly bytes: Uint8Array;
  /** Counts what was saved; 0 before the first. */
  readonly revision: number;
}

/**
 * The kept digests as a whole: sums, positions of both feeds and open keys change together or not at all.
 * Adapters: `lib/aws/kept-digest-store.ts`, `lib/memory/kept-digest-store.ts`; contract:
 * `test/contract/kept-digest-store.ts`.
 */
export interface KeptDigestStore {
  load(): Promise<KeptBytes | null>;
  /** Replaces what has `revision` (0: nothing was saved yet); false when somebody else did so before. */
  save(bytes: Uint8Array, revision: number): Promise<boolean>;
}
