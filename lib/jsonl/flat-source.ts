import type { Category } from '../migration/category.ts';
import { decodeKey, encodeKey } from '../migration/key.ts';
import type { ChangePage, FlatAuthority, FlatSource, KeyRange, SourceImage } from '../migration/ports.ts';
import type { RecordVersion } from '../migration/record.ts';
import type { RecordKey } from '../migration/row.ts';
import { firstAuthority, requirePinned, type OfflineStore, type OfflineView } from './offline-store.ts';
import { readRows } from './read-rows.ts';
import type { RowPlace } from './source-index.ts';

/**
 * The flat source over files that nobody writes. Preparing it takes the files as those that are migrated; from then on
 * every look at them refuses others with HalError `SourceChanged`. No row has a version, since none changes: all of
 * them carry the low watermark, which is 0 in every epoch. Reverse changes are not kept.
 */
export function makeOfflineFlatSource(store: OfflineStore): FlatSource {
  const { place } = store.files;
  const state = async () => requirePinned(place, await store.state());
  return {
    isOffline: true,
    inspect: async () => (await store.view()).index.tables(),
    installChangeLog: () => store.pin(),
    async isChangeLogInstalled() {
      return (await store.state()) !== null;
    },
    ...readMethods(store),
    ...authorityMethods(store),
    async requireFitting() {
      await state();
    },
    async applyReverse(category, changes) {
      const { authorities } = await state();
      const { epoch, state: present } = authorities[category] ?? firstAuthority;
      return changes.map(({ version }) =>
        present === 'following' && epoch === version.epoch ? 'not-kept' : 'refused-epoch',
      );
    },
    close: () => Promise.resolve(store.close()),
  };
}

type ReadMethods = Pick<
  FlatSource,
  'lowWatermark' | 'planRanges' | 'readRange' | 'readChanges' | 'readCurrent' | 'countRows'
>;

/** A page ends early when its rows are longer than this. */
const pageBudgetBytes = 8 * 1024 * 1024;

function readMethods(store: OfflineStore): ReadMethods {
  const { definition } = store;
  const { place } = store.files;
  return {
    async lowWatermark(category) {
      return watermark(requirePinned(place, await store.state()).authorities[category]);
    },
    planRanges: (recordType, rowsPerRange) => planRanges(store, recordType, rowsPerRange),
    async readRange(recordType, range, limit) {
      const view = await store.view();
      const found = withinBudget(view.index.range(recordType, range, limit));
      const { category } = definition.tables.find((table) => table.recordType === recordType) ?? {};
      return {
        lowWatermark: watermark(view.state?.authorities[category ?? '']),
        images: await imagesOf(store, view, recordType, found.places),
        nextAfter:
          found.isCut || found.places.length === limit ? (found.places.at(-1)?.keyParts ?? null) : null,
      };
    },
    async readChanges(_category, afterSequence): Promise<ChangePage> {
      requirePinned(place, await store.state());
      return { images: [], throughSequence: afterSequence, entryCount: 0 };
    },
    async readCurrent(category, keys) {
      const view = await store.view();
      return {
        lowWatermark: watermark(view.state?.authorities[category]),
        images: await currentImages(store, view, keys),
      };
    },
    async countRows(recordType) {
      const { index } = await store.view();
      return index.tables().find((table) => table.recordType === recordType)?.rowCount ?? 0;
    },
  };
}

function authorityMethods(
  store: OfflineStore,
): Pick<FlatSource, 'authority' | 'fence' | 'unfence' | 'follow' | 'open'> {
  const move = (category: Category, from: FlatAuthority, to: FlatAuthority): Promise<boolean> =>
    store.move(category, from, to);
  return {
    async authority(category) {
      return (await store.state())?.authorities[category] ?? firstAuthority;
    },
    async fence(category, epoch) {
      // There is no writer to hold up. Whoever wrote all the same is found out here, before another side takes over.
      await store.verify();
      const isFenced = await move(category, { epoch, state: 'open' }, { epoch, state: 'fenced' });
      return isFenced ? { fenced: true, last: { epoch, sequence: 0 } } : { fenced: false };
    },
    unfence: (category, epoch) => move(category, { epoch, state: 'fenced' }, { epoch, state: 'open' }),
    follow: (category, epoch) =>
      move(category, { epoch: epoch - 1, state: 'fenced' }, { epoch, state: 'following' }),
    open: (category, epoch) =>
      move(category, { epoch: epoch - 1, state: 'following' }, { epoch, state: 'open' }),
  };
}

function watermark(authority: FlatAuthority | undefined): RecordVersion {
  return { epoch: (authority ?? firstAuthority).epoch, sequence: 0 };
}

async function* planRanges(
  store: OfflineStore,
  recordType: string,
  rowsPerRange: number,
): AsyncGenerator<KeyRange> {
  const { index } = await store.view();
  if (index.tables().find((table) => table.recordType === recordType)?.absent === true) return;
  let after: KeyRange['after'] = null;
  for (;;) {
    const upTo = index.boundary(recordType, after, rowsPerRange);
    yield { after, upTo };
    if (upTo === null) return;
    after = upTo;
  }
}

function withinBudget(places: readonly RowPlace[]): {
  readonly places: readonly RowPlace[];
  readonly isCut: boolean;
} {
  let lengthBytes = 0;
  const end = places.findIndex(({ length }) => (lengthBytes += length) > pageBudgetBytes);
  return end < 0 ? { places, isCut: false } : { places: places.slice(0, Math.max(1, end)), isCut: true };
}

async function imagesOf(
  store: OfflineStore,
  view: OfflineView,
  recordType: string,
  places: readonly RowPlace[],
): Promise<readonly SourceImage[]> {
  const rows = await readRows(store, view, recordType, places);
  return places.map(({ keyParts }, at) => ({
    key: { recordType, id: encodeKey(keyParts) },
    keyParts,
    row: rows[at] ?? null,
    version: null,
  }));
}

async function currentImages(
  store: OfflineStore,
  view: OfflineView,
  keys: readonly RecordKey[],
): Promise<readonly SourceImage[]> {
  const found = new Map<string, SourceImage>();
  for (const recordType of new Set(keys.map((key) => key.recordType))) {
    const places = keys
      .filter((key) => key.recordType === recordType)
      .map((key) => view.index.find(recordType, decodeKey(key.id)))
      .filter((place) => place !== null);
    for (const image of await imagesOf(store, view, recordType, [...new Set(places)]))
      found.set(`${recordType}/${image.key.id}`, image);
  }
  return keys.map(
    (key) =>
      found.get(`${key.recordType}/${key.id}`) ?? {
        key,
        keyParts: decodeKey(key.id),
        row: null,
        version: null,
      },
  );
}
