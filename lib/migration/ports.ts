import type { Category } from './category.ts';
import type { RecordOrigin, RecordVersion, StoredRecord, TargetRecord } from './record.ts';
import type { FlatRow, KeyPart, RecordKey } from './row.ts';

/** One of `count` shares of a table by hash of the key. */
export interface TableSegment {
  readonly index: number;
  readonly count: number;
}

/**
 * A half-open slice of one table in primary key order: after (exclusive) to upTo (inclusive). null is open. A store
 * that has no such order plans segments: `after` is then a place in the order that it has, where the rows of one first
 * key part stand together in the order of the others.
 */
export interface KeyRange {
  readonly after: readonly KeyPart[] | null;
  readonly upTo: readonly KeyPart[] | null;
  readonly segment?: TableSegment;
}

/** A row as it was in one snapshot. `row` is null when the key is absent in that snapshot. */
export interface SourceImage {
  readonly key: RecordKey;
  readonly keyParts: readonly KeyPart[];
  readonly row: FlatRow | null;
  /**
   * The exact version of this content: the key's last change-log entry in the same snapshot, or the version of the
   * last reverse change when that is newer. null when the key has neither (it was never changed since the log began).
   */
  readonly version: RecordVersion | null;
}

/** What the server of a flat store keeps of its own log until the migration has read it. */
export interface HeldLog {
  readonly slot: string;
  readonly heldBytes: number;
  /** Until the server would give the log up; null where it would rather fill the disk. */
  readonly roomBytes: number | null;
  readonly isLost: boolean;
}

/** A store that drops its changes after some time, read or not. */
export interface Retention {
  readonly keptMs: number;
  /** Everything up to then is in the change log, of the category that is furthest behind. */
  readonly readAtMs: number;
}

export interface RangePage {
  /** Highest committed change-log version, read before (or in the same snapshot as) the rows. The LOW watermark. */
  readonly lowWatermark: RecordVersion;
  readonly images: readonly SourceImage[];
  /** Key of the last row, the cursor of the next page; null when the range is exhausted. */
  readonly nextAfter: readonly KeyPart[] | null;
}

export interface ChangePage {
  /** Distinct keys changed in (afterSequence, throughSequence], each with its current image in one snapshot. */
  readonly images: readonly SourceImage[];
  /** Last log sequence covered by this page; equal to `afterSequence` when there was nothing to read. */
  readonly throughSequence: number;
  readonly entryCount: number;
}

/** The flat store's own view of who may write a category. */
export interface FlatAuthority {
  readonly epoch: number;
  /** open: flat writes. fenced: nobody writes here. following: only reverse changes of `epoch` are applied. */
  readonly state: 'open' | 'fenced' | 'following';
}

export interface ReverseChange {
  readonly key: RecordKey;
  readonly version: RecordVersion;
  /** null deletes. */
  readonly row: FlatRow | null;
}

export type ReverseKind = 'change' | 'repair';

/** not-kept: the store is offline, so that the change stays pending for good. */
export type ReverseOutcome = 'applied' | 'already-newer' | 'refused-epoch' | 'not-kept';

export interface TableReport {
  readonly recordType: string;
  readonly table: string;
  readonly category: Category;
  readonly rowCount: number;
  /** The recognised mapping, where the definition has names for them. */
  readonly mapping?: string;
  /** The store has no such table, which its mapping allows: there are no such records. */
  readonly absent?: boolean;
}

/**
 * The flat store as the migration sees it. Every method is one transaction (one snapshot) of the store.
 * Adapters: `flat-source.ts` in `lib/sqlite`, `lib/postgres`, `lib/dynamodb`, `lib/jsonl` and `lib/memory`; contract:
 * `test/contract/flat-source.ts`.
 */
export interface FlatSource {
  /** Nobody writes the store: it has no changes, keeps no reverse changes, and authority never comes back to it. */
  readonly isOffline?: boolean;
  /** Throws a HalError `SourceRejected` that lists every missing table, missing column or wrong column type. */
  inspect(): Promise<readonly TableReport[]>;
  /** Installs change log, fences and version table (idempotent; rebuilds triggers after a schema change). */
  installChangeLog(): Promise<void>;
  /** True when the change log is installed and matches the present schema. */
  isChangeLogInstalled(): Promise<boolean>;
  lowWatermark(category: Category): Promise<RecordVersion>;
  /** Boundaries for ranges of about `rowsPerRange` rows, streamed; together they cover every key, the last is open. */
  planRanges(recordType: string, rowsPerRange: number): AsyncIterable<KeyRange>;
  readRange(recordType: string, range: KeyRange, limit: number): Promise<RangePage>;
  /** At most `limit` log entries after `afterSequence`, none beyond `throughSequence` when it is given. */
  readChanges(
    category: Category,
    afterSequence: number,
    limit: number,
    throughSequence?: number,
  ): Promise<ChangePage>;
  /** Current image of each key with the low watermark of the same snapshot; used by repair and verification. */
  readCurrent(
    category: Category,
    keys: readonly RecordKey[],
  ): Promise<{ lowWatermark: RecordVersion; images: readonly SourceImage[] }>;
  countRows(recordType: string): Promise<number>;
  /** null, or no such method, where no server keeps anything for the migration. */
  heldLog?(): Promise<HeldLog | null>;
  /** null before the change log is there; no such method where changes are kept until they are read. */
  retention?(): Promise<Retention | null>;
  /**
   * Deletions up to this sequence may be missing in the log, which was lost for a while; null when a complete comparison
   * has looked since. No such method where a log is never lost without the store.
   */
  logGap?(category: Category): Promise<number | null>;
  /** A complete comparison that began at `sequence` found both sides equal. */
  closeLogGap?(category: Category, sequence: number): Promise<void>;

  authority(category: Category): Promise<FlatAuthority>;
  /**
   * Fences every writer of the category, legacy ones included, and returns the last version in the same
   * transaction. Idempotent at the same epoch; refuses (false) when the epoch differs or flat is following.
   */
  fence(
    category: Category,
    epoch: number,
  ): Promise<{ fenced: true; last: RecordVersion } | { fenced: false }>;
  /** Undoes a fence of the same epoch. */
  unfence(category: Category, epoch: number): Promise<boolean>;
  /** From fenced(epoch - 1) to following(epoch). Idempotent. */
  follow(category: Category, epoch: number): Promise<boolean>;
  /** Throws HalError `ReverseConflict` while changes that were applied have no room in flat, as `open` does. */
  requireFitting(category: Category): Promise<void>;
  /** From following(epoch - 1) to open(epoch). Idempotent. */
  open(category: Category, epoch: number): Promise<boolean>;
  /**
   * Applies changes of the hierarchical authority when flat follows that epoch and the version is newer. A repair says
   * once more what a version says, of any epoch up to that one, where nothing newer was applied.
   */
  applyReverse(
    category: Category,
    changes: readonly ReverseChange[],
    as?: ReverseKind,
  ): Promise<readonly ReverseOutcome[]>;
  close(): Promise<void>;
}

export type WriteOutcome = 'written' | 'kept-newer';

/**
 * The hierarchical state table. Writes are conditional per record; a kept-newer outcome is a success.
 * Adapters: `lib/aws/target-store.ts`, `lib/memory/target-store.ts`; contract: `test/contract/target-store.ts`.
 */
export interface TargetStore {
  /** Backfill: writes only where the key is absent. At most 25 records with distinct keys. */
  insertIfAbsent(records: readonly TargetRecord[]): Promise<readonly WriteOutcome[]>;
  /** Live apply: writes where absent or (epoch, sequence) is lower. */
  applyVersioned(records: readonly TargetRecord[]): Promise<readonly WriteOutcome[]>;
  /** Repair: writes where absent or (epoch, sequence) is lower or equal. */
  repair(records: readonly TargetRecord[]): Promise<readonly WriteOutcome[]>;
  /** Strongly consistent; absent keys are left out. Keyed by `recordType/id`. */
  read(keys: readonly RecordKey[]): Promise<ReadonlyMap<string, StoredRecord>>;
  /** One page of a parallel scan; pass the returned cursor on until it is null. */
  scan(page: { segment: number; segmentCount: number; cursor: string | null; limit: number }): Promise<{
    records: readonly StoredRecord[];
    cursor: string | null;
  }>;
}

export interface RangeTask {
  readonly runId: string;
  readonly rangeId: string;
  readonly category: Category;
  readonly recordType: string;
  readonly range: KeyRange;
}

export interface RangeCounts {
  readonly read: number;
  readonly written: number;
  readonly kept: number;
  readonly quarantined: number;
}

export interface RangeState extends RangeTask {
  readonly state: 'planned' | 'leased' | 'complete';
  readonly fence: number;
  /** Exclusive cursor: every record up to it is written, newer, or quarantined. */
  readonly after: readonly KeyPart[] | null;
  readonly counts: RangeCounts;
  readonly leaseUntilMs: number;
}

/** Totals of a record type whose every range is complete: they never change again. */
export interface FinishedRanges {
  readonly plannedRanges: number;
  readonly completeRanges: number;
  readonly counts: RangeCounts;
}

/** Ranges of a backfill run with leases and fenced checkpoints. */
export interface RangeStore {
  /** Makes `runId` the run that schedules resume and that switches look at. Idempotent. */
  startRun(runId: string): Promise<void>;
  /** The run that was started last. */
  currentRun(): Promise<string | null>;
  /** Adds ranges that are not there yet; planning twice is harmless. */
  plan(tasks: readonly RangeTask[]): Promise<void>;
  /** Marks that every range of the record type has been planned. */
  closePlan(runId: string, recordType: string, rangeCount: number): Promise<void>;
  plannedRangeCount(runId: string, recordType: string): Promise<number | null>;
  /** Keeps the totals of a closed plan all of whose ranges are complete, so that nobody lists them again. */
  rememberFinished(runId: string, recordType: string, totals: FinishedRanges): Promise<void>;
  /** Null until they are remembered, and again after the plan was closed anew. */
  finishedRanges(runId: string, recordType: string): Promise<FinishedRanges | null>;
  /** Takes the lease by fence + 1 when it is free or expired. */
  acquire(
    rangeId: string,
    owner: string,
    leaseMs: number,
  ): Promise<
    { kind: 'acquired'; range: RangeState } | { kind: 'held' } | { kind: 'complete' } | { kind: 'unknown' }
  >;
  /** Moves the cursor on, adds the counts and renews the lease; false when the fence is lost. */
  checkpoint(
    rangeId: string,
    fence: number,
    after: readonly KeyPart[],
    counts: RangeCounts,
    leaseMs: number,
  ): Promise<boolean>;
  complete(rangeId: string, fence: number, counts: RangeCounts): Promise<boolean>;
  /** Gives the lease back early, after a failed batch. */
  release(rangeId: string, fence: number): Promise<void>;
  list(
    runId: string,
    recordType: string,
    cursor: string | null,
  ): Promise<{ ranges: readonly RangeState[]; cursor: string | null }>;
}

/** A slice of one category's change log that has been read and sent, and is not yet known to be applied. */
export interface RelayBatch {
  readonly category: Category;
  readonly afterSequence: number;
  readonly throughSequence: number;
  readonly sentAtMs: number;
}

/** Exact accounting of the forward path: what the log holds that the target may not hold yet. */
export interface RelayStore {
  cursor(category: Category): Promise<number>;
  /** Adds the batch and moves the cursor from afterSequence to throughSequence, atomically; false when it moved meanwhile. */
  begin(batch: RelayBatch): Promise<boolean>;
  /** Only after every record of the batch was written, newer, or quarantined. Idempotent. */
  finish(category: Category, throughSequence: number): Promise<void>;
  /** Unfinished batches in log order. */
  pending(category: Category, limit: number): Promise<readonly RelayBatch[]>;
}

/** One of the 64 authority items of a category. */
export interface AuthorityItem {
  readonly category: Category;
  readonly group: number;
  readonly side: RecordOrigin;
  readonly epoch: number;
  /** While fenced no write of either epoch is admitted. */
  readonly fenced: boolean;
}

/** Authority as the hierarchical side and the gateway read it; strongly consistent. */
export interface AuthorityStore {
  /** Creates the items with side flat at `epoch` where they are absent. */
  initialize(category: Category, epoch: number): Promise<void>;
  read(category: Category, group: number): Promise<AuthorityItem | null>;
  readAll(category: Category): Promise<readonly AuthorityItem[]>;
  /** Fences hierarchical writes of `epoch`: all 64 items. Resumable; complete when the last item is written. */
  fence(category: Category, epoch: number): Promise<void>;
  /**
   * Lifts the fence of `epoch` only while the category's switch to `epoch` + 1 is aborted: each item changes in one
   * transaction with a look at the switch record, so that an abort that comes late never lifts another switch's fence.
   */
  unfence(category: Category, epoch: number): Promise<void>;
  /** Gives authority to `side` at `epoch` (only from `epoch` - 1): all 64 items. Resumable. */
  open(category: Category, side: RecordOrigin, epoch: number): Promise<void>;
}

/** A key whose newest hierarchical write has not reached flat yet. */
export interface ReversePendingEntry {
  readonly key: RecordKey;
  readonly category: Category;
  readonly group: number;
  readonly version: RecordVersion;
}

/** Written in the same transaction as each hierarchical write, so an empty set proves that flat is current. */
export interface ReversePendingStore {
  list(category: Category, group: number, limit: number): Promise<readonly ReversePendingEntry[]>;
  /** Removes the entry unless a newer version replaced it. */
  remove(entry: ReversePendingEntry): Promise<void>;
  count(category: Category): Promise<number>;
}

export interface QuarantineEntry {
  readonly key: RecordKey;
  readonly category: Category;
  readonly version: RecordVersion;
  /** Name of the fault, for example `InvalidJson`. */
  readonly errorName: string;
  readonly errorMessage: string;
  /** Lossless encoding of the raw row (`encodeRow`); cut, with its length, when larger than an item may be. */
  readonly rawRow: string;
  readonly rawLengthBytes: number;
  readonly firstSeenAtMs: number;
  readonly attempts: number;
}

export interface QuarantineStore {
  /** Keeps the newer version; raises `attempts`. */
  put(entry: Omit<QuarantineEntry, 'attempts'>): Promise<void>;
  /** The key converted after all (or was deleted) at `version`. */
  resolve(key: RecordKey, category: Category, version: RecordVersion): Promise<void>;
  /** Those of the keys that have an unresolved entry. */
  find(category: Category, keys: readonly RecordKey[]): Promise<readonly RecordKey[]>;
  list(
    category: Category,
    cursor: string | null,
    limit: number,
  ): Promise<{ entries: readonly QuarantineEntry[]; cursor: string | null }>;
  /** The unresolved entry of a key. */
  get(category: Category, key: RecordKey): Promise<QuarantineEntry | null>;
  count(category: Category): Promise<number>;
  /** Unresolved entries of the copy itself, without what a restore or a repair has set aside. */
  countUnconverted(category: Category): Promise<number>;
}

export interface RangeQueue {
  send(tasks: readonly RangeTask[]): Promise<void>;
  /** True when messages wait for a worker; an estimate, those being worked on not counted. */
  hasWaiting(): Promise<boolean>;
}

/** Body of a change message: one per relay batch. Images travel with it, so a late delivery carries its own old content. */
export interface ChangeMessage {
  readonly category: Category;
  readonly afterSequence: number;
  readonly throughSequence: number;
  readonly images: readonly SourceImage[];
  /** Rows too large for a message, by their name among the large bodies; without it they go to quarantine. */
  readonly oversized: readonly {
    readonly key: RecordKey;
    readonly version: RecordVersion;
    readonly lengthBytes: number;
    readonly rowName?: string;
  }[];
}

export interface ChangeQueue {
  send(message: ChangeMessage): Promise<void>;
}

/** The intent of an authority switch, so that a crash between its steps is resumed. */
export interface SwitchRecord {
  readonly category: Category;
  readonly to: RecordOrigin;
  /** Epoch that `to` will have. */
  readonly epoch: number;
  /** Counts the switches to this epoch, which an abort leaves free for the next; absent is the first. */
  readonly attempt?: number;
  readonly stage: 'fencing' | 'draining' | 'opening' | 'done' | 'aborted';
  readonly requestedBy: string;
  readonly startedAtMs: number;
  readonly fencedAtMs: number | null;
  readonly openedAtMs: number | null;
  /** How long writers waited, from the fence until the new side (or after an abort the old one) took their writes. */
  readonly stallMs?: number;
  /** How long a canary took along the reverse path before the switch began. */
  readonly canaryMs?: number;
}

export interface SwitchStore {
  current(category: Category): Promise<SwitchRecord | null>;
  /** Refused (false) while another switch of the category is under way or epoch and attempt are not the next ones. */
  begin(record: SwitchRecord): Promise<boolean>;
  /** Moves the stage on from `from`; false when it was not there, or another attempt is. */
  advance(record: SwitchRecord, from: SwitchRecord['stage']): Promise<boolean>;
}

/** What a verification knows between two of its invocations; at most 2 MB each. */
export interface DigestStore {
  save(name: string, bytes: Uint8Array): Promise<void>;
  /** null when there is none of that name, or not all of it. */
  load(name: string): Promise<Uint8Array | null>;
  remove(names: readonly string[]): Promise<void>;
}
