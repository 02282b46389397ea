import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';

import type { Item } from '../aws/attributes.ts';
import type { FlatWriteOutcome, FlatWriter } from '../migration/backup/ports.ts';
import { rejectionOf } from '../migration/backup/rejection-of.ts';
import { decodeKey, recordPk } from '../migration/key.ts';
import { isSameVersion, type RecordVersion } from '../migration/record.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import { itemKey, rowOfItem } from './attribute-values.ts';
import { changeLogMissing, tableAbsent } from './faults.ts';
import { requireKey, rowWrite, writerCheck } from './flat-records.ts';
import type { FlatStore } from './flat-store.ts';
import { readLastImages } from './last-images.ts';
import { contentHash } from './log-changes.ts';
import { makeStreamLogger, type StreamLogger } from './log-streams.ts';
import { readAuthority, transact } from './log-state.ts';
import { makeStreamReader } from './read-stream.ts';
import { rowConflict } from './row-conflict.ts';
import type { TableLayout } from './table-layout.ts';

/** The flat store for restores. A write throws HalError `ChangeLogMissing` where nothing logs it. */
export function makeDynamoFlatWriter(store: FlatStore): FlatWriter {
  const logger = makeStreamLogger(store, makeStreamReader(store.streams, store.clock));
  return { writeIf: (change, expected) => rejectionOf(() => writeIf(store, logger, change, expected)) };
}

type Change = Parameters<FlatWriter['writeIf']>[0];
type Expected = Parameters<FlatWriter['writeIf']>[1];

async function writeIf(
  store: FlatStore,
  logger: StreamLogger,
  change: Change,
  expected: Expected,
): Promise<FlatWriteOutcome> {
  const { category, key, row } = change;
  const authority = await readAuthority(store, category);
  if (authority === null) throw changeLogMissing(store.place, `nothing logs ${category}`);
  if (authority.state !== 'open' || authority.epoch !== expected.epoch) return { kind: 'authority-moved' };
  const layout = await store.layout(key.recordType);
  if (layout === null) throw tableAbsent(store.place, key.recordType);
  if (row !== null) requireKey(layout, key, row);
  await logger.catchUp(category);
  const present = await readItem(store, layout, key);
  const isWritten =
    (await isExpected(store, layout, { key, present }, expected)) &&
    (await writeOver(store, layout, change, { epoch: expected.epoch, present }));
  if (!isWritten) return { kind: 'version-moved' };
  return { kind: 'written', version: await versionOf(store, logger, change, expected.version) };
}

/** The item is what was read with that version, and not a change that the stream has not shown yet. */
async function isExpected(
  store: FlatStore,
  layout: TableLayout,
  { key, present }: { readonly key: RecordKey; readonly present: Item | null },
  expected: Expected,
): Promise<boolean> {
  const last = (await readLastImages(store, [key])).get(recordPk(key)) ?? null;
  if (!isSameVersion(last?.version ?? null, expected.version)) return false;
  const seen = last === null ? expected.row : last.row;
  return seen === undefined || contentHash(rowIn(layout, present)) === contentHash(seen);
}

function rowIn(layout: TableLayout, item: Item | null): FlatRow | null {
  return item === null ? null : rowOfItem(layout, item);
}

async function readItem({ client }: FlatStore, layout: TableLayout, key: RecordKey): Promise<Item | null> {
  const Key = itemKey(layout, decodeKey(key.id));
  const { Item } = await client.send(
    new GetItemCommand({ TableName: layout.name, Key, ConsistentRead: true }),
  );
  return Item ?? null;
}

/** False when the authority or the item moved meanwhile; whoever looks again learns which. */
async function writeOver(
  store: FlatStore,
  layout: TableLayout,
  { category, key, row }: Change,
  { epoch, present }: { readonly epoch: number; readonly present: Item | null },
): Promise<boolean> {
  if (row === null && present === null) return true;
  const write = rowWrite(layout, key, row);
  const condition = sameAs(layout, present);
  const guarded: TransactWriteItem =
    write.Put === undefined
      ? { Delete: { ...(write.Delete ?? { TableName: layout.name, Key: {} }), ...condition } }
      : { Put: { ...write.Put, ...condition } };
  try {
    return await transact(store, [writerCheck(store, category, key, epoch), guarded]);
  } catch (fault) {
    throw rowConflict(fault, key);
  }
}

/** Every attribute is still what it was; one that nobody knew of may have come. */
function sameAs(layout: TableLayout, present: Item | null) {
  const [partition] = layout.key;
  if (present === null)
    return {
      ConditionExpression: 'attribute_not_exists(#partition)',
      ExpressionAttributeNames: { '#partition': partition?.name ?? '' },
    };
  const names = Object.keys(present);
  const absent = layout.table.columns.map(({ name }) => name).filter((name) => !names.includes(name));
  return {
    ConditionExpression: [
      ...names.map((_, at) => `#n${at} = :v${at}`),
      ...absent.map((_, at) => `attribute_not_exists(#a${at})`),
    ].join(' AND '),
    ExpressionAttributeNames: Object.fromEntries([
      ...names.map((name, at) => [`#n${at}`, name]),
      ...absent.map((name, at) => [`#a${at}`, name]),
    ]) as Record<string, string>,
    ExpressionAttributeValues: Object.fromEntries(
      names.map((name, at) => [`:v${at}`, present[name] ?? { NULL: true }]),
    ),
  };
}

const mostLooks = 100;
const pauseMs = 20;
const longestPauseMs = 200;

/** The version that the change log gave to what was written, or to what came after it. */
async function versionOf(
  store: FlatStore,
  logger: StreamLogger,
  { category, key, row }: Change,
  before: RecordVersion | null,
): Promise<RecordVersion> {
  for (let look = 1; ; look += 1) {
    const log = await logger.catchUp(category);
    const last = (await readLastImages(store, [key])).get(recordPk(key)) ?? null;
    if (last !== null && !isSameVersion(last.version, before)) return last.version;
    const isUnchanged = contentHash(last?.row ?? null) === contentHash(row);
    if (isUnchanged || look >= mostLooks)
      return last?.version ?? { epoch: log.epoch, sequence: log.sequence };
    await store.sleeper.sleep(Math.min(longestPauseMs, pauseMs * look));
  }
}
