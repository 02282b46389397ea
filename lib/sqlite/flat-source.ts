import type { Category } from '../migration/category.ts';
import { decodeKey, encodeKey } from '../migration/key.ts';
import type {
  ChangePage,
  FlatAuthority,
  FlatSource,
  KeyRange,
  RangePage,
  SourceImage,
  TableReport,
} from '../migration/ports.ts';
import type { RecordVersion } from '../migration/record.ts';
import type { FlatRow, KeyPart, RecordKey } from '../migration/row.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import { applyReverseChanges, refuseUnfitRows } from './apply-reverse.ts';
import {
  firstAuthority,
  lastSequence,
  lastSequenceOf,
  moveAuthority,
  readAuthority,
  readLog,
  versionOf,
} from './change-log.ts';
import { checkQueries } from './check-queries.ts';
import type { Connection } from './connection.ts';
import { requireChangeLog, type FlatStore, type StoreView } from './flat-store.ts';
import { checkedLayouts, keyFaults, recognisedTables } from './inspect-tables.ts';
import { andWhere } from './membership.ts';
import { checkInstallation, flush, installChangeLog } from './install-change-log.ts';
import { readBoundary, readRow, readRowRange, type KeyedRow } from './row-access.ts';
import { isTable, quoteName, type TableLayout } from './table-layout.ts';

/** The flat source over one SQLite connection. Closing it closes the connection. */
export function makeSqliteFlatSource(store: FlatStore): FlatSource {
  const { connection, definition } = store;
  return {
    inspect: () => settle(() => connection.snapshot(() => inspect(store))),
    installChangeLog: () => settle(() => installChangeLog(connection, definition)),
    isChangeLogInstalled: () => settle(() => isInstalled(store)),
    ...readMethods(store),
    ...authorityMethods(store),
    requireFitting: (category) =>
      settle(() =>
        store.read((view) => {
          requireChangeLog(store, view);
          refuseUnfitRows(connection, category);
        }),
      ),
    applyReverse: (category, changes, as) =>
      settle(() =>
        store.write((view) => {
          requireChangeLog(store, view);
          return applyReverseChanges(store, view, category, changes, as);
        }),
      ),
    close: () => settle(() => connection.close()),
  };
}

/** node:sqlite is synchronous; the port is not, and its faults are rejections. */
async function settle<Result>(effect: () => Result): Promise<Result> {
  return await Promise.resolve().then(effect);
}

type ReadMethods = Pick<
  FlatSource,
  'lowWatermark' | 'planRanges' | 'readRange' | 'readChanges' | 'readCurrent' | 'countRows'
>;

function readMethods(store: FlatStore): ReadMethods {
  const { connection } = store;
  /** Rows can be looked at before there is a change log; nothing has a version then. */
  const present = <Result>(effect: (view: StoreView) => Result): Promise<Result> =>
    settle(() => store.read(effect));
  const logged = <Result>(effect: (view: StoreView) => Result): Promise<Result> =>
    settle(() =>
      store.read((view) => {
        requireChangeLog(store, view);
        return effect(view);
      }),
    );
  return {
    lowWatermark: (category) => logged((view) => lowWatermarkOf(store, view, category)),
    planRanges: (recordType, rowsPerRange) => planRanges(store, recordType, rowsPerRange),
    readRange: (recordType, range, limit) =>
      present((view) => readRange(store, view, { recordType, range, limit })),
    readChanges: (category, after, limit, through) =>
      logged((view) => readChanges(store, view, category, { after, limit, through })),
    readCurrent: (category, keys) =>
      present((view) => ({
        lowWatermark: lowWatermarkOf(store, view, category),
        images: keys.map((key) => imageOf(store, view, key, decodeKey(key.id))),
      })),
    countRows: (recordType) => settle(() => connection.snapshot(() => countRows(store, recordType))),
  };
}

function authorityMethods(
  store: FlatStore,
): Pick<FlatSource, 'authority' | 'fence' | 'unfence' | 'follow' | 'open'> {
  const { connection } = store;
  const change = <Result>(effect: () => Result): Promise<Result> =>
    settle(() =>
      store.write((view) => {
        requireChangeLog(store, view);
        return effect();
      }),
    );
  const move = (category: Category, from: FlatAuthority, to: FlatAuthority): boolean =>
    moveAuthority(connection, category, from, to);
  return {
    authority: (category) =>
      settle(() =>
        store.read((view) =>
          view.installation === 'installed' ? readAuthority(connection, category) : firstAuthority,
        ),
      ),
    fence: (category, epoch) =>
      change(() =>
        move(category, { epoch, state: 'open' }, { epoch, state: 'fenced' })
          ? { fenced: true as const, last: { epoch, sequence: lastSequenceOf(connection, category) } }
          : { fenced: false as const },
      ),
    unfence: (category, epoch) =>
      change(() => {
        const isOpen = move(category, { epoch, state: 'fenced' }, { epoch, state: 'open' });
        if (isOpen) flush(connection, category);
        return isOpen;
      }),
    follow: (category, epoch) =>
      change(() => move(category, { epoch: epoch - 1, state: 'fenced' }, { epoch, state: 'following' })),
    open: (category, epoch) =>
      change(() => {
        const from: FlatAuthority = { epoch: epoch - 1, state: 'following' };
        const present = readAuthority(connection, category);
        if (present.state === 'following' && present.epoch === from.epoch)
          refuseUnfitRows(connection, category);
        const isOpen = move(category, from, { epoch, state: 'open' });
        // What came from the other side is logged once, so that the forward path compares it with its own form of it.
        if (isOpen) flush(connection, category);
        return isOpen;
      }),
  };
}

function inspect(store: FlatStore): readonly TableReport[] {
  const { connection, definition } = store;
  const layouts = checkedLayouts(connection, definition);
  checkQueries(connection, layouts.values());
  const faults = [...layouts.values()].flatMap((layout) => keyFaults(connection, layout));
  if (faults.length > 0) throw sourceRejected(connection.path, faults);
  const { mapping, present, absent } = recognisedTables(connection, definition);
  const ofMapping = mapping === null ? {} : { mapping: mapping.name };
  return definition.tables
    .filter((table) => present.includes(table) || absent.includes(table))
    .map((migrated) => {
      const { recordType, table, category } = migrated;
      const report = { recordType, table, category, ...ofMapping };
      return present.includes(migrated)
        ? { ...report, rowCount: countRows(store, recordType) }
        : { ...report, rowCount: 0, absent: true };
    });
}

function isInstalled({ connection, definition }: FlatStore): boolean {
  return connection.snapshot(() => checkInstallation(connection, definition).installation === 'installed');
}

function countRows({ connection, definition }: FlatStore, recordType: string): number {
  const migrated = tableOf(definition, recordType);
  if (!isTable(connection, migrated.table)) return 0;
  const counted = `SELECT count(*) FROM ${quoteName(migrated.table)} WHERE true${andWhere(migrated)}`;
  return Number(connection.first(counted)?.[0] ?? 0n);
}

async function* planRanges(
  store: FlatStore,
  recordType: string,
  rowsPerRange: number,
): AsyncGenerator<KeyRange> {
  let after: readonly KeyPart[] | null = null;
  for (;;) {
    const from: readonly KeyPart[] | null = after;
    const upTo: readonly KeyPart[] | 'no table' | null = await settle(() =>
      store.read((view) => {
        const layout = view.layout(recordType);
        return layout === null ? 'no table' : readBoundary(store.connection, layout, from, rowsPerRange);
      }),
    );
    if (upTo === 'no table') return;
    yield { after, upTo };
    if (upTo === null) return;
    after = upTo;
  }
}

function readRange(
  store: FlatStore,
  view: StoreView,
  request: { readonly recordType: string; readonly range: KeyRange; readonly limit: number },
): RangePage {
  const { connection } = store;
  const { recordType, range, limit } = request;
  const layout = view.layout(recordType);
  if (layout === null) return emptyPage(store, view, recordType);
  const { rows, isExhausted } = readWithinBudget(connection, layout, range, limit);
  const images = rows.map(({ keyParts, row }) => ({
    key: { recordType, id: encodeKey(keyParts) },
    keyParts,
    row,
    version: versionIn(store, view, recordType, keyParts),
  }));
  return {
    lowWatermark: lowWatermarkOf(store, view, layout.table.category),
    images,
    nextAfter: isExhausted ? null : (images.at(-1)?.keyParts ?? null),
  };
}

function emptyPage(store: FlatStore, view: StoreView, recordType: string): RangePage {
  const { category } = tableOf(store.definition, recordType);
  return { lowWatermark: lowWatermarkOf(store, view, category), images: [], nextAfter: null };
}

/** A page ends early when its values are longer than this: 250 rows may be 250 KB or a gigabyte. */
const pageBudgetBytes = 8 * 1024 * 1024;
const rowsPerRead = 25;

function readWithinBudget(
  connection: Connection,
  layout: TableLayout,
  range: KeyRange,
  limit: number,
): { readonly rows: readonly KeyedRow[]; readonly isExhausted: boolean } {
  const rows: KeyedRow[] = [];
  let { after } = range;
  let lengthBytes = 0;
  while (rows.length < limit && lengthBytes < pageBudgetBytes) {
    const wanted = Math.min(rowsPerRead, limit - rows.length);
    const found = readRowRange(connection, layout, { after, upTo: range.upTo }, wanted);
    rows.push(...found);
    if (found.length < wanted) return { rows, isExhausted: true };
    after = found.at(-1)?.keyParts ?? after;
    for (const { row } of found) lengthBytes += rowLength(row);
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

function readChanges(
  store: FlatStore,
  view: StoreView,
  category: Category,
  slice: { readonly after: number; readonly limit: number; readonly through: number | undefined },
): ChangePage {
  const entries = readLog(store.connection, category, slice);
  const images = new Map<string, SourceImage>();
  for (const { recordType, keyParts } of entries) {
    const key = keyParts.slice(0, tableOf(store.definition, recordType).keyColumns.length);
    const id = encodeKey(key);
    const name = `${recordType}/${id}`;
    if (!images.has(name)) images.set(name, imageOf(store, view, { recordType, id }, key));
  }
  return {
    images: [...images.values()],
    throughSequence: entries.at(-1)?.sequence ?? slice.after,
    entryCount: entries.length,
  };
}

function imageOf(
  store: FlatStore,
  view: StoreView,
  key: RecordKey,
  keyParts: readonly KeyPart[],
): SourceImage {
  const layout = view.layout(key.recordType);
  const row = layout === null ? null : readRow(store.connection, layout, keyParts, 'with-derived');
  return { key, keyParts, row, version: versionIn(store, view, key.recordType, keyParts) };
}

function versionIn(
  { connection }: FlatStore,
  view: StoreView,
  recordType: string,
  keyParts: readonly KeyPart[],
): RecordVersion | null {
  return view.installation === 'installed' ? versionOf(connection, recordType, keyParts) : null;
}

function lowWatermarkOf({ connection }: FlatStore, view: StoreView, category: Category): RecordVersion {
  if (view.installation !== 'installed') return { epoch: firstAuthority.epoch, sequence: 0 };
  return { epoch: readAuthority(connection, category).epoch, sequence: lastSequence(connection) };
}
