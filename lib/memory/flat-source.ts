import { judgeReverse, moveFlat } from '../migration/admission.ts';
import type { Category } from '../migration/category.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import type {
  ChangePage,
  FlatAuthority,
  FlatSource,
  KeyRange,
  RangePage,
  ReverseChange,
  ReverseKind,
  ReverseOutcome,
} from '../migration/ports.ts';
import { tableOf } from '../migration/table-lookup.ts';
import {
  flatAuthority,
  flatTable,
  imageOf,
  lastVersionOf,
  lowWatermarkOf,
  orderedKeys,
  raiseVersion,
  setRow,
  type FlatStore,
} from './flat-store.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';
import { compareKeyParts } from './key-order.ts';

/** The flat source over a store in memory, with the semantics of the SQLite adapter. */
export function makeMemoryFlatSource(store: FlatStore, interleave: Interleave = uninterrupted): FlatSource {
  const run = <Result>(name: string, effect: () => Result): Promise<Result> =>
    transaction(interleave, `source.${name}`, effect);
  const read = <Result>(name: string, effect: () => Result): Promise<Result> =>
    observation(interleave, `source.${name}`, effect);
  return {
    inspect: () =>
      read('inspect', () =>
        store.definition.tables.map(({ recordType, table, category }) => ({
          recordType,
          table,
          category,
          rowCount: flatTable(store, recordType).rows.size,
        })),
      ),
    installChangeLog: () =>
      run('installChangeLog', () => {
        store.installed = true;
      }),
    isChangeLogInstalled: () => read('isChangeLogInstalled', () => store.installed),
    lowWatermark: (category) => read('lowWatermark', () => lowWatermarkOf(store, category)),
    async *planRanges(recordType, rowsPerRange) {
      yield* await read('planRanges', () => planRanges(store, recordType, rowsPerRange));
    },
    readRange: (recordType, range, limit) =>
      read('readRange', () => readRange(store, recordType, range, limit)),
    readChanges: (category, afterSequence, limit, throughSequence) =>
      read('readChanges', () => readChanges(store, category, { afterSequence, limit, throughSequence })),
    readCurrent: (category, keys) =>
      read('readCurrent', () => ({
        lowWatermark: lowWatermarkOf(store, category),
        images: keys.map((key) => imageOf(store, key, decodeKey(key.id))),
      })),
    countRows: (recordType) => read('countRows', () => flatTable(store, recordType).rows.size),
    ...authorityMethods(store, { run, read }),
    // Tables without constraints have room for every row.
    requireFitting: () => read('requireFitting', () => undefined),
    applyReverse: (category, changes, as) =>
      run('applyReverse', () => changes.map((change) => applyReverse(store, category, change, as))),
    close: () => Promise.resolve(),
  };
}

type Run = <Result>(name: string, effect: () => Result) => Promise<Result>;

function authorityMethods(
  store: FlatStore,
  { run, read }: { readonly run: Run; readonly read: Run },
): Pick<FlatSource, 'authority' | 'fence' | 'unfence' | 'follow' | 'open'> {
  /** From one state to the next, true as well when it was already made. */
  const move = (category: Category, from: FlatAuthority, to: FlatAuthority): boolean => {
    const next = moveFlat(flatAuthority(store, category), from, to);
    if (next !== null) store.authorities.set(category, next);
    return next !== null;
  };
  return {
    authority: (category) => read('authority', () => flatAuthority(store, category)),
    fence: (category, epoch) =>
      run('fence', () =>
        move(category, { epoch, state: 'open' }, { epoch, state: 'fenced' })
          ? { fenced: true as const, last: lastVersionOf(store, category) }
          : { fenced: false as const },
      ),
    unfence: (category, epoch) =>
      run('unfence', () => move(category, { epoch, state: 'fenced' }, { epoch, state: 'open' })),
    follow: (category, epoch) =>
      run('follow', () =>
        move(category, { epoch: epoch - 1, state: 'fenced' }, { epoch, state: 'following' }),
      ),
    open: (category, epoch) =>
      run('open', () => move(category, { epoch: epoch - 1, state: 'following' }, { epoch, state: 'open' })),
  };
}

function planRanges(store: FlatStore, recordType: string, rowsPerRange: number): readonly KeyRange[] {
  const keys = orderedKeys(flatTable(store, recordType));
  const ranges: KeyRange[] = [];
  let after: KeyRange['after'] = null;
  for (let end = rowsPerRange; end < keys.length; end += rowsPerRange) {
    const upTo = decodeKey(keys[end - 1] ?? '');
    ranges.push({ after, upTo });
    after = upTo;
  }
  return [...ranges, { after, upTo: null }];
}

function readRange(store: FlatStore, recordType: string, range: KeyRange, limit: number): RangePage {
  const { category } = tableOf(store.definition, recordType);
  const { after, upTo } = range;
  const images = orderedKeys(flatTable(store, recordType))
    .map((id) => ({ id, keyParts: decodeKey(id) }))
    .filter(({ keyParts }) => after === null || compareKeyParts(keyParts, after) > 0)
    .filter(({ keyParts }) => upTo === null || compareKeyParts(keyParts, upTo) <= 0)
    .slice(0, limit)
    .map(({ id, keyParts }) => imageOf(store, { recordType, id }, keyParts));
  const isLast = images.length < limit;
  return {
    lowWatermark: lowWatermarkOf(store, category),
    images,
    nextAfter: isLast ? null : (images.at(-1)?.keyParts ?? null),
  };
}

function readChanges(
  store: FlatStore,
  category: Category,
  slice: { afterSequence: number; limit: number; throughSequence: number | undefined },
): ChangePage {
  const log = store.logs.get(category) ?? [];
  const first = firstAfter(log, slice.afterSequence);
  const last = slice.throughSequence ?? Number.POSITIVE_INFINITY;
  const entries = log.slice(first, first + slice.limit).filter(({ sequence }) => sequence <= last);
  const keys = new Map(entries.map(({ key }) => [recordPk(key), key]));
  return {
    images: [...keys.values()].map((key) => imageOf(store, key, decodeKey(key.id))),
    throughSequence: entries.at(-1)?.sequence ?? slice.afterSequence,
    entryCount: entries.length,
  };
}

function firstAfter(log: readonly { readonly sequence: number }[], sequence: number): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((log[middle]?.sequence ?? 0) <= sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

function applyReverse(
  store: FlatStore,
  category: Category,
  change: ReverseChange,
  as?: ReverseKind,
): ReverseOutcome {
  const authority = flatAuthority(store, category);
  const known = store.versions.get(recordPk(change.key)) ?? null;
  const outcome = judgeReverse(authority, known, change.version, as);
  if (outcome !== 'applied') return outcome;
  raiseVersion(store, change.key, change.version);
  const table = tableOf(store.definition, change.key.recordType);
  if (change.row !== null && encodeKey(rowKey(table.keyColumns, change.row)) !== change.key.id) {
    throw new TypeError(`reverse change of ${recordPk(change.key)} carries the row of another key`);
  }
  setRow(store, table, change.key.id, change.row);
  return 'applied';
}

function rowKey(columns: readonly string[], row: NonNullable<ReverseChange['row']>): (string | bigint)[] {
  return columns.map((column) => {
    const value = row[column];
    return typeof value === 'bigint' ? value : String(value);
  });
}
