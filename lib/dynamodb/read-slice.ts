import type { Item } from '../aws/attributes.ts';
import type { Category } from '../migration/category.ts';
import { isBarrier, barrierToken } from './barriers.ts';
import { keyOfParts, keyPartsOf, rowOfItem } from './attribute-values.ts';
import { changeLogLost, changeLogMissing } from './faults.ts';
import type { FlatStore } from './flat-store.ts';
import type { Change } from './log-changes.ts';
import type { LoggedStream, LogState } from './log-items.ts';
import type { StreamReader, StreamRecord } from './read-stream.ts';
import {
  keptPosition,
  positionOf,
  readableShards,
  vanishedShards,
  type Shard,
  type StreamPosition,
} from './stream-position.ts';
import type { TableLayout } from './table-layout.ts';

/** A stretch of one shard, in its order. */
export interface StreamSlice {
  readonly stream: LoggedStream;
  readonly shardId: string;
  readonly records: readonly SlicedRecord[];
  readonly isOver: boolean;
}

export interface SlicedRecord {
  readonly sequenceNumber: string;
  /** null for a barrier, or where one was taken out. */
  readonly change: Change | null;
  /** Of the barrier that was written. */
  readonly token: string | null;
  /** The row was the same before. */
  readonly isSame: boolean;
  /** The store deleted it because its time was over. */
  readonly isExpiry: boolean;
}

export interface StreamsLook {
  readonly slices: readonly StreamSlice[];
  /** Streams with the shards that they have, and without those that are over and gone. */
  readonly streams: readonly LoggedStream[];
  readonly shards: ReadonlyMap<string, readonly Shard[]>;
  /** With these slices everything is read that was there two seconds ago. */
  readonly isAtTip: boolean;
}

/** The store keeps a change for 24 hours; what was read to the end an hour less ago has lost nothing. */
export const keptMs = 24 * 3_600_000;
const marginMs = 3_600_000;

/** One look at every stream of a category: at most one page of each shard that may be read. */
export async function lookAtStreams(
  store: FlatStore,
  reader: StreamReader,
  category: Category,
  log: LogState,
): Promise<StreamsLook> {
  const slices: StreamSlice[] = [];
  const streams: LoggedStream[] = [];
  const shards = new Map<string, readonly Shard[]>();
  let isAtTip = true;
  for (const stream of log.streams) {
    const layout = await streamedLayout(store, category, stream);
    const listed = await reader.shards(stream.arn);
    const gone = vanishedShards(listed, stream.position);
    if (gone.length > 0)
      requireRecent(store, category, log, `${layout.name} has no shard ${gone[0] ?? ''} any more`);
    const position = withoutShards(stream.position, gone);
    const present = { ...stream, position: keptPosition(listed, position) };
    shards.set(stream.recordType, listed);
    streams.push(present);
    const readable = readableShards(listed, position);
    for (const { shardId } of readable) {
      const page = await readShard(store, reader, { category, log, stream: present, layout, shardId });
      if (!page.isAtTip || page.isOver) isAtTip = false;
      if (page.records.length > 0 || page.isOver)
        slices.push({ stream: present, shardId, records: page.records, isOver: page.isOver });
    }
  }
  return { slices, streams, shards, isAtTip };
}

/** A table that was dropped and made again, or whose stream was turned off and on, has another stream. */
async function streamedLayout(
  store: FlatStore,
  category: Category,
  { recordType, arn }: LoggedStream,
): Promise<TableLayout> {
  const layout = await store.layout(recordType);
  if (layout === null) throw changeLogMissing(store.place, `the table of ${recordType} is gone`);
  if (layout.streamArn === arn) return layout;
  const fresh = (await store.freshLayouts()).get(recordType) ?? null;
  if (fresh?.streamArn === arn) return fresh;
  throw changeLogLost(store.place, category, `the stream of ${layout.name} was turned off`);
}

async function readShard(
  store: FlatStore,
  reader: StreamReader,
  at: {
    readonly category: Category;
    readonly log: LogState;
    readonly stream: LoggedStream;
    readonly layout: TableLayout;
    readonly shardId: string;
  },
): Promise<{
  readonly records: readonly SlicedRecord[];
  readonly isOver: boolean;
  readonly isAtTip: boolean;
}> {
  const { category, log, stream, layout, shardId } = at;
  const from = positionOf(stream.position, shardId);
  let page = await reader.read(stream.arn, shardId, from);
  if (page.kind === 'trimmed') {
    requireRecent(
      store,
      category,
      log,
      `the stream of ${layout.name} goes no longer back to where it was read`,
    );
    // Everything up to the position was read when nothing newer was there, so what is kept comes after it.
    page = await reader.read(stream.arn, shardId, 'horizon');
  }
  if (page.kind === 'trimmed') return { records: [], isOver: true, isAtTip: false };
  return { ...page, records: page.records.map((record) => sliced(layout, record)) };
}

/** A position that is not kept any more is one behind which nothing is missing, if the end was seen since. */
function requireRecent(store: FlatStore, category: Category, log: LogState, reason: string): void {
  if (store.clock.nowMs() - log.readAtMs < keptMs - marginMs) return;
  throw changeLogLost(store.place, category, `${reason}, and the last look was too long ago`);
}

function withoutShards(position: StreamPosition, gone: readonly string[]): StreamPosition {
  return Object.fromEntries(Object.entries(position).filter(([shardId]) => !gone.includes(shardId)));
}

function sliced(layout: TableLayout, record: StreamRecord): SlicedRecord {
  const { sequenceNumber, keys, before, after, isExpiry } = record;
  if (isBarrier(before) || isBarrier(after))
    return { sequenceNumber, change: null, token: barrierToken(after), isSame: false, isExpiry };
  const key = keyOfParts(layout, keyPartsOf(layout, keys));
  const row = after === null ? null : rowOfItem(layout, after);
  const isSame = before !== null && after !== null && sameItems(before, after);
  return { sequenceNumber, change: { key, row }, token: null, isSame, isExpiry };
}

function sameItems(left: Item, right: Item): boolean {
  return sortedText(left) === sortedText(right);
}

function sortedText(item: Item): string {
  return JSON.stringify(Object.entries(item).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
