import { setTimeout as delay } from 'node:timers/promises';

import { HalError } from '../kernel/errors.ts';
import type { Category } from '../migration/category.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import type { ChangePage, FlatSource, KeyRange, RangePage, SourceImage } from '../migration/ports.ts';
import type { RecordVersion } from '../migration/record.ts';
import type { FlatRow, KeyPart, RecordKey } from '../migration/row.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { firstAuthority, readAuthority, readLog, type Horizon } from './change-log.ts';
import { requireChangeLog, type FlatStore, type StoreView } from './flat-store.ts';
import { keyPartsOfTexts } from './key-texts.ts';
import { readRowRange, readRows, type RowExtras, type VersionedRow } from './row-access.ts';

type Reads = Pick<FlatSource, 'lowWatermark' | 'readRange' | 'readChanges' | 'readCurrent'>;

/** Rows with their versions, and the log, each from one snapshot. */
export function makeReads(store: FlatStore): Reads {
  const settled = makeSettled();
  return {
    lowWatermark: (category) =>
      store.read(category, async (view) => {
        requireChangeLog(store, view);
        return await lowWatermarkOf(store, view, category, settled);
      }),
    readRange: (recordType, range, limit) =>
      store.read(tableOf(store.definition, recordType).category, (view) =>
        readRange(store, view, { recordType, range, limit }, settled),
      ),
    readChanges: (category, after, limit, through) =>
      readChanges(store, category, { after, limit, through }, settled),
    readCurrent: (category, keys) =>
      store.read(category, async (view) => ({
        lowWatermark: await lowWatermarkOf(store, view, category, settled),
        images: await readImages(store, view, keys),
      })),
  };
}

/**
 * The highest sequence of each category that is known to have settled. A writer that is admitted while others go on
 * can make the horizon look lower than it was; what had settled stays settled, unless the store was put back to an
 * earlier copy. `readThrough` is how far somebody has read, which was settled for him.
 */
type Settled = (category: Category, horizon: Horizon, readThrough?: number) => number;

function makeSettled(): Settled {
  const highest = new Map<Category, number>();
  return (category, { given, settled }, readThrough = 0) => {
    const past = [highest.get(category) ?? 0, readThrough].filter((sequence) => sequence <= given);
    const known = Math.max(settled, ...past);
    highest.set(category, known);
    return known;
  };
}

async function lowWatermarkOf(
  { database }: FlatStore,
  { installation, session, horizon }: StoreView,
  category: Category,
  settled: Settled,
): Promise<RecordVersion> {
  if (installation !== 'installed') return { epoch: firstAuthority.epoch, sequence: 0 };
  const { epoch } = await readAuthority(session, database.schema, category);
  return { epoch, sequence: settled(category, horizon) };
}

async function readRange(
  store: FlatStore,
  view: StoreView,
  request: { readonly recordType: string; readonly range: KeyRange; readonly limit: number },
  settled: Settled,
): Promise<RangePage> {
  const { recordType } = request;
  const { rows, isExhausted } = await readWithinBudget(store, view, request);
  const images = rows.map(({ keyParts, row, version }) => ({
    key: { recordType, id: encodeKey(keyParts) },
    keyParts,
    row,
    version,
  }));
  const { category } = tableOf(store.definition, recordType);
  return {
    lowWatermark: await lowWatermarkOf(store, view, category, settled),
    images,
    nextAfter: isExhausted ? null : (images.at(-1)?.keyParts ?? null),
  };
}

/** A page ends early when its values are longer than this: 250 rows may be 250 KB or a gigabyte. */
const pageBudgetBytes = 8 * 1024 * 1024;
const rowsPerRead = 50;

async function readWithinBudget(
  store: FlatStore,
  view: StoreView,
  {
    recordType,
    range,
    limit,
  }: { readonly recordType: string; readonly range: KeyRange; readonly limit: number },
): Promise<{ readonly rows: readonly VersionedRow[]; readonly isExhausted: boolean }> {
  const layout = view.layout(recordType);
  if (layout === null) return { rows: [], isExhausted: true };
  const rows: VersionedRow[] = [];
  let { after } = range;
  let lengthBytes = 0;
  let wanted = Math.min(rowsPerRead, limit);
  while (rows.length < limit && lengthBytes < pageBudgetBytes) {
    const request = { range: { after, upTo: range.upTo }, limit: wanted };
    const found = await readRowRange(view.session, layout, request, extrasOf(store, view));
    rows.push(...found);
    if (found.length < wanted) return { rows, isExhausted: true };
    after = found.at(-1)?.keyParts ?? after;
    for (const { row } of found) lengthBytes += rowLength(row);
    // As many more as the rows so far say there is room for.
    const roomy = Math.floor(((pageBudgetBytes - lengthBytes) * rows.length) / Math.max(1, lengthBytes));
    wanted = Math.min(limit - rows.length, Math.max(rowsPerRead, Math.min(roomy, 1000)));
  }
  return { rows, isExhausted: false };
}

function rowLength(row: FlatRow): number {
  let length = 0;
  for (const value of Object.values(row)) {
    if (typeof value === 'string' || value instanceof Uint8Array) length += value.length;
  }
  return length;
}

interface Slice {
  readonly after: number;
  readonly limit: number;
  readonly through: number | undefined;
}

/** How long a bounded slice waits for the writers that are still below its bound, in milliseconds. */
const settleTimeoutMs = 10_000;
const settleCheckMs = 5;

/**
 * Whoever bounds a slice relies on having seen everything up to the bound, so that one waits until every change below
 * it has ended. Without a bound the slice ends where changes are still under way.
 */
async function readChanges(
  store: FlatStore,
  category: Category,
  slice: Slice,
  settled: Settled,
): Promise<ChangePage> {
  const deadlineMs = performance.now() + settleTimeoutMs;
  for (;;) {
    const page = await store.read(category, async (view) => {
      requireChangeLog(store, view);
      const horizon = settled(category, view.horizon, slice.after);
      if (slice.through !== undefined && horizon < slice.through) return null;
      return await readSlice(store, view, category, { ...slice, through: slice.through ?? horizon });
    });
    if (page !== null) return page;
    if (performance.now() >= deadlineMs) throw unsettled(store, category, slice);
    await delay(settleCheckMs);
  }
}

async function readSlice(
  store: FlatStore,
  view: StoreView,
  category: Category,
  slice: Slice & { readonly through: number },
): Promise<ChangePage> {
  const entries = await readLog(view.log.session, store.database.schema, category, slice);
  const keys = new Map<string, RecordKey>();
  for (const { recordType, keyTexts } of entries) {
    const layout = view.layout(recordType);
    // Of a table that is gone, and its rows with it.
    if (layout === null) continue;
    const id = encodeKey(keyPartsOfTexts(layout, keyTexts));
    keys.set(recordPk({ recordType, id }), { recordType, id });
  }
  return {
    images: await readImages(store, view, [...keys.values()]),
    throughSequence: entries.at(-1)?.sequence ?? slice.after,
    entryCount: entries.length,
  };
}

/** Images in the order of the keys; one question for each record type. */
async function readImages(
  store: FlatStore,
  view: StoreView,
  keys: readonly RecordKey[],
): Promise<readonly SourceImage[]> {
  const asked = keys.map((key, at) => ({ key, at, keyParts: decodeKey(key.id) }));
  const images: SourceImage[] = [];
  for (const [recordType, ofType] of Map.groupBy(asked, ({ key }) => key.recordType)) {
    const parts: readonly (readonly KeyPart[])[] = ofType.map(({ keyParts }) => keyParts);
    const layout = view.layout(recordType);
    const found = layout === null ? [] : await readRows(view.session, layout, parts, extrasOf(store, view));
    for (const [position, { key, at, keyParts }] of ofType.entries()) {
      images[at] = { key, keyParts, ...(found[position] ?? { row: null, version: null }) };
    }
  }
  return images;
}

function extrasOf({ database }: FlatStore, { installation, log }: StoreView): RowExtras {
  const { versionsOf } = log;
  return {
    schema: database.schema,
    derived: true,
    versions: installation === 'installed',
    ...(versionsOf === undefined ? {} : { versionsOf }),
  };
}

function unsettled({ database }: FlatStore, category: Category, { through }: Slice): HalError {
  const { place } = database;
  return new HalError({
    name: 'SourceLocked',
    message: `A transaction that changes ${category} in ${place} has been under way since before ${through ?? 0}.`,
    remedy: 'End the long transaction (pg_stat_activity shows it), then run the command again.',
    exit: 'unavailable',
    facts: { place, category, through },
  });
}
