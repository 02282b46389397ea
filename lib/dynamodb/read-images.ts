import { ScanCommand } from '@aws-sdk/client-dynamodb';

import type { Item } from '../aws/attributes.ts';
import { readItems } from '../aws/read-items.ts';
import { retried } from '../aws/retried.ts';
import type { Category } from '../migration/category.ts';
import { decodeKey, maxRowKeyBytes, recordPk } from '../migration/key.ts';
import type { ChangePage, FlatSource, KeyRange, RangePage, SourceImage } from '../migration/ports.ts';
import type { RecordVersion } from '../migration/record.ts';
import type { FlatRow, KeyPart, RecordKey } from '../migration/row.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { itemKey, keyOfParts, keyPartsOf, rowOfItem } from './attribute-values.ts';
import { isBarrier } from './barriers.ts';
import { readRows } from './flat-rows.ts';
import type { FlatStore } from './flat-store.ts';
import { readLastImages, type LastImage } from './last-images.ts';
import { entryKey, parseEntry, type LogState } from './log-items.ts';
import type { StreamLogger } from './log-streams.ts';
import { firstAuthority, readState } from './log-state.ts';
import type { TableLayout } from './table-layout.ts';

type Reads = Pick<FlatSource, 'lowWatermark' | 'readRange' | 'readChanges' | 'readCurrent'>;

/**
 * A stream is always a little behind its table, so content and version never come from both: a key that was logged
 * since the log began is what its last entry says, another is what its table says, without a version. The low
 * watermark is read first. Every change that a row shows is then logged below it, or will be logged above it.
 */
export function makeReads(store: FlatStore, logger: StreamLogger): Reads {
  return {
    async lowWatermark(category) {
      return watermarkOf(await logger.catchUp(category));
    },

    async readRange(recordType, range, limit) {
      const { category } = tableOf(store.definition, recordType);
      const log = (await readState(store, category))?.log ?? null;
      const lowWatermark = watermarkOf(log);
      const layout = await store.layout(recordType);
      if (layout === null) return { lowWatermark, images: [], nextAfter: null };
      const { items, nextAfter } = await scan(store, layout, range, limit);
      return { lowWatermark, images: await imagesOfItems(store, layout, items), nextAfter };
    },

    async readChanges(category, afterSequence, limit, throughSequence) {
      const { sequence } = await logger.catchUp(category);
      const last = Math.min(sequence, afterSequence + limit, throughSequence ?? Number.MAX_SAFE_INTEGER);
      if (last <= afterSequence) return { images: [], throughSequence: afterSequence, entryCount: 0 };
      return await readEntries(store, category, afterSequence, last);
    },

    async readCurrent(category, keys) {
      const isLogged = (await readState(store, category)) !== null;
      const lowWatermark = watermarkOf(isLogged ? await logger.catchUp(category) : null);
      return { lowWatermark, images: await imagesOf(store, keys) };
    },
  };
}

function watermarkOf(log: LogState | null): RecordVersion {
  return log === null
    ? { epoch: firstAuthority.epoch, sequence: 0 }
    : { epoch: log.epoch, sequence: log.sequence };
}

async function imagesOf(store: FlatStore, keys: readonly RecordKey[]): Promise<readonly SourceImage[]> {
  const rows = await readRows(store, keys);
  // After the rows: an entry that is not there now is not below the low watermark.
  const last = await lastImages(store, keys);
  return keys.map((key) => imageOf(key, decodeKey(key.id), rows.get(recordPk(key)) ?? null, last));
}

function imageOf(
  key: RecordKey,
  keyParts: readonly KeyPart[],
  row: FlatRow | null,
  last: ReadonlyMap<string, LastImage>,
): SourceImage {
  const { row: content, version } = last.get(recordPk(key)) ?? { row, version: null };
  return { key, keyParts, row: content, version };
}

/** Before there is a log nothing was logged. */
async function lastImages(
  store: FlatStore,
  keys: readonly RecordKey[],
): Promise<ReadonlyMap<string, LastImage>> {
  try {
    return await readLastImages(store, keys);
  } catch (fault) {
    if (fault instanceof Error && fault.name === 'ResourceNotFoundException') return new Map();
    throw fault;
  }
}

async function imagesOfItems(
  store: FlatStore,
  layout: TableLayout,
  items: readonly Item[],
): Promise<readonly SourceImage[]> {
  const rows = items.filter((item) => !isBarrier(item)).map((item) => rowAt(layout, item));
  const last = await lastImages(
    store,
    rows.map(({ key }) => key),
  );
  return (
    rows
      .map(({ key, keyParts, row }) => imageOf(key, keyParts, row, last))
      // A deletion that was made up for meanwhile: the log has it, and brings the row.
      .filter(({ row }) => row !== null)
  );
}

function rowAt(layout: TableLayout, item: Item) {
  const keyParts = keyPartsOf(layout, item);
  const key = keyOfParts(layout, keyParts);
  if (Buffer.byteLength(key.id) > maxRowKeyBytes) {
    const names = layout.key.map(({ name }) => name).join(', ');
    throw sourceRejected(layout.name, [
      `it has an item whose key (${names}) is longer than ${maxRowKeyBytes} bytes`,
    ]);
  }
  return { key, keyParts, row: rowOfItem(layout, item) };
}

/** The store reads 1 MB at a time; a page ends with it, and may hold nothing but a place to go on. */
async function scan(
  { client, sleeper }: FlatStore,
  layout: TableLayout,
  { after, upTo, segment }: KeyRange,
  limit: number,
): Promise<{ readonly items: readonly Item[]; readonly nextAfter: RangePage['nextAfter'] }> {
  if (upTo !== null) throw new TypeError('a table without an order of its keys has no range up to a key');
  const command = new ScanCommand({
    TableName: layout.name,
    ConsistentRead: true,
    Limit: limit,
    ...(after === null ? {} : { ExclusiveStartKey: itemKey(layout, after) }),
    ...(segment === undefined ? {} : { Segment: segment.index, TotalSegments: segment.count }),
  });
  const { Items = [], LastEvaluatedKey } = await retried(sleeper, () => client.send(command));
  const nextAfter = LastEvaluatedKey === undefined ? null : keyPartsOf(layout, LastEvaluatedKey);
  return { items: Items, nextAfter };
}

async function readEntries(
  store: FlatStore,
  category: Category,
  afterSequence: number,
  throughSequence: number,
): Promise<ChangePage> {
  const entryCount = throughSequence - afterSequence;
  const keys = Array.from({ length: entryCount }, (_, at) => entryKey(category, afterSequence + 1 + at));
  const deps = { client: store.client, table: store.log, sleeper: store.sleeper };
  const entries = (await readItems(deps, keys)).map(parseEntry);
  if (entries.length < entryCount)
    throw new RangeError(`entries of ${category} up to ${throughSequence} are missing in ${store.log}`);
  const inOrder = entries.toSorted((left, right) => left.sequence - right.sequence);
  const distinct = new Map(inOrder.map(({ key }) => [recordPk(key), key]));
  const last = await readLastImages(store, [...distinct.values()]);
  const images = [...distinct.values()].map((key) => imageOf(key, decodeKey(key.id), null, last));
  return { images, throughSequence, entryCount };
}
