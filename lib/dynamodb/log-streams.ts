import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';

import { numberOf, textOf } from '../aws/attributes.ts';
import { readItems } from '../aws/read-items.ts';
import type { Category } from '../migration/category.ts';
import { recordPk } from '../migration/key.ts';
import type { RecordKey } from '../migration/row.ts';
import { strayWrites } from './faults.ts';
import type { FlatStore } from './flat-store.ts';
import { contentHash, echoSeen, logged, sentBytes, unsettled, type Change } from './log-changes.ts';
import { echoKey, itemAt, relogKey, type LogState } from './log-items.ts';
import { advanceLog, requireState } from './log-state.ts';
import { lookAtStreams, type SlicedRecord, type StreamSlice, type StreamsLook } from './read-slice.ts';
import { tipMs, type StreamReader } from './read-stream.ts';
import { relogSome } from './relog.ts';

export interface StreamLogger {
  /**
   * Moves what the streams of a category tell into the change log, up to about now. Throws HalError `ChangeLogMissing`,
   * `ChangeLogLost`, and once for each write past the gateway under the other side's authority `StrayWrites`.
   */
  catchUp(category: Category): Promise<LogState>;
  /** One look, for whoever waits for something in particular. */
  look(category: Category): Promise<{ readonly log: LogState; readonly look: StreamsLook }>;
}

/** Looks of one call; on a busy store there is always more. */
const mostLooks = 20;
/** Actions and bytes of one transaction, of 100 and 4 MB. */
const mostActions = 98;
const mostBytes = 3_000_000;
const recordsPerStep = 48;
/** How old the note of the last look may get while nothing changes. */
const noteEveryMs = 60_000;

export function makeStreamLogger(store: FlatStore, reader: StreamReader): StreamLogger {
  /** One after the other in this process; between processes the revision of the log item decides. */
  const turns = new Map<Category, Promise<unknown>>();
  const inTurn = <Result>(category: Category, work: () => Promise<Result>): Promise<Result> => {
    const turn = (turns.get(category) ?? Promise.resolve()).then(work, work);
    turns.set(
      category,
      turn.catch(() => undefined),
    );
    return turn;
  };
  const lookOnce = async (category: Category): Promise<{ log: LogState; look: StreamsLook }> => {
    for (;;) {
      const { authority, log } = await requireState(store, category);
      if (log.mayRelog && !log.isSealed) {
        await relogSome(store, category, log);
        continue;
      }
      const look = await lookAtStreams(store, reader, category, log);
      const appended = await appendSlices(store, category, log, look);
      if (appended === null) continue;
      if (appended.strays.length > 0 && authority.state === 'following')
        throw strayWrites(store.place, category, appended.strays);
      return { log: appended.log, look };
    }
  };
  return {
    look: (category) => inTurn(category, () => lookOnce(category)),
    catchUp: (category) =>
      inTurn(category, async () => {
        for (let looks = 1; ; looks += 1) {
          const { log, look } = await lookOnce(category);
          if (look.isAtTip || looks >= mostLooks) return log;
        }
      }),
  };
}

interface Appended {
  readonly log: LogState;
  readonly strays: readonly RecordKey[];
}

/** null when another logger was faster: what it took is not taken again. */
async function appendSlices(
  store: FlatStore,
  category: Category,
  from: LogState,
  look: StreamsLook,
): Promise<Appended | null> {
  let log = from;
  const strays: RecordKey[] = [];
  const nowMs = store.clock.nowMs();
  for (const slice of look.slices) {
    let rest = slice.records;
    do {
      const step = await nextStep(store, category, log, slice, rest);
      const to = { ...step.to, streams: movedStreams(step.to.streams, slice, step) };
      if (!(await advanceLog(store, category, { from: log, to }, step.items))) return null;
      log = { ...to, revision: log.revision + 1 };
      strays.push(...step.strays);
      rest = rest.slice(step.taken);
    } while (rest.length > 0);
  }
  const readAtMs = nowMs - tipMs;
  if (!look.isAtTip || readAtMs - log.readAtMs < noteEveryMs) return { log, strays };
  const to = { ...log, readAtMs, streams: keptShards(log, look) };
  if (!(await advanceLog(store, category, { from: log, to }))) return null;
  return { log: { ...to, revision: log.revision + 1 }, strays };
}

interface Step {
  readonly to: LogState;
  readonly items: readonly TransactWriteItem[];
  readonly strays: readonly RecordKey[];
  readonly taken: number;
  /** Number of the last record taken; null when the shard had none left. */
  readonly through: string | null;
  readonly isOver: boolean;
}

/** As many records as one transaction holds; none, when a shard is over. */
async function nextStep(
  store: FlatStore,
  category: Category,
  log: LogState,
  slice: StreamSlice,
  rest: readonly SlicedRecord[],
): Promise<Step> {
  let count = Math.min(rest.length, recordsPerStep);
  for (;;) {
    const records = rest.slice(0, count);
    const step = log.isSealed
      ? await sealedStep(store, category, log, records)
      : openStep(store, category, log, records);
    const isFitting = step.items.length <= mostActions && sentBytes(step.items) <= mostBytes;
    if (!isFitting && count > 1) {
      count = count >> 1;
      continue;
    }
    return {
      ...step,
      to: { ...step.to, drain: shownIn(log, slice, records) },
      taken: count,
      through: records.at(-1)?.sequenceNumber ?? null,
      isOver: slice.isOver && count === rest.length,
    };
  }
}

type Decision = Pick<Step, 'to' | 'items' | 'strays'>;

/** Flat has authority: whoever wrote, it is logged. */
function openStep(
  store: FlatStore,
  category: Category,
  log: LogState,
  records: readonly SlicedRecord[],
): Decision {
  const changes = records.flatMap(({ change }) => (change === null ? [] : [change]));
  const first = { epoch: log.epoch, sequence: log.sequence + 1 };
  return {
    to: { ...log, sequence: log.sequence + changes.length },
    items: logged(store.log, category, changes, first),
    strays: [],
  };
}

/** Nobody is to write but reverse changes, each of which said what the stream would show. */
async function sealedStep(
  store: FlatStore,
  category: Category,
  log: LogState,
  records: readonly SlicedRecord[],
): Promise<Decision> {
  const changes = records.flatMap(({ change, isSame, isExpiry }) =>
    change === null || isSame || isExpiry ? [] : [change],
  );
  const named = Map.groupBy(changes, ({ key, row }) => echoKey(key, contentHash(row)).pk);
  const keys = [...named.values()].flatMap(([change]) =>
    change === undefined ? [] : [echoKey(change.key, contentHash(change.row))],
  );
  const found = await readItems({ client: store.client, table: store.log, sleeper: store.sleeper }, keys);
  const expected = new Map(found.map((item) => [textOf(item, 'pk'), numberOf(item, 'expected')]));
  const seen: TransactWriteItem[] = [];
  const strays = new Map<string, Change>();
  for (const [pk, same] of named) {
    const [change] = same;
    if (change === undefined) continue;
    const ours = Math.min(same.length, expected.get(pk) ?? 0);
    if (ours > 0) seen.push(echoSeen(store.log, change, ours));
    if (ours < same.length) strays.set(recordPk(change.key), change);
  }
  const noted = [...strays.values()].map((change) => unsettled(store.log, category, change, 'stray'));
  return {
    to: { ...log, strays: log.strays + strays.size },
    items: [...seen, ...noted, ...expiries(store, category, records)],
    strays: [...strays.values()].map(({ key }) => key),
  };
}

/** What a table's own expiry takes nobody wrote: it is logged when flat has authority again. */
function expiries(
  store: FlatStore,
  category: Category,
  records: readonly SlicedRecord[],
): readonly TransactWriteItem[] {
  const expired = records.flatMap(({ change, isExpiry }) =>
    change !== null && isExpiry ? [change.key] : [],
  );
  return [...new Map(expired.map((key) => [recordPk(key), key])).values()].map((key) => ({
    Put: { TableName: store.log, Item: itemAt(relogKey(category, key)) },
  }));
}

function shownIn(log: LogState, { stream, shardId }: StreamSlice, records: readonly SlicedRecord[]) {
  const { drain } = log;
  const name = shardName(stream.recordType, shardId);
  if (drain === null || drain.shown.includes(name)) return drain;
  const isShown = records.some(({ token }) => token === drain.token);
  return isShown ? { ...drain, shown: [...drain.shown, name] } : drain;
}

export function shardName(recordType: string, shardId: string): string {
  return `${recordType} ${shardId}`;
}

function movedStreams(
  streams: LogState['streams'],
  { stream, shardId }: StreamSlice,
  { through, isOver }: Pick<Step, 'through' | 'isOver'>,
): LogState['streams'] {
  return streams.map((known) => {
    if (known.recordType !== stream.recordType) return known;
    const after = through ?? known.position[shardId]?.after ?? null;
    return { ...known, position: { ...known.position, [shardId]: { after, isOver } } };
  });
}

/** Without the shards that the streams have no longer. */
function keptShards(log: LogState, look: StreamsLook): LogState['streams'] {
  return log.streams.map((stream) => {
    const listed = new Set(look.shards.get(stream.recordType)?.map(({ shardId }) => shardId));
    const position = Object.entries(stream.position).filter(([shardId]) => listed.has(shardId));
    return { ...stream, position: Object.fromEntries(position) };
  });
}
