import { number, numberOf, text, textOf, type Item } from '../aws/attributes.ts';
import type { ItemKey } from '../aws/read-items.ts';
import { groupOf } from '../migration/bucket.ts';
import type { Category } from '../migration/category.ts';
import { keyOfPk, recordPk } from '../migration/key.ts';
import type { FlatAuthority } from '../migration/ports.ts';
import type { RecordVersion } from '../migration/record.ts';
import type { RecordKey } from '../migration/row.ts';
import type { StreamPosition } from './stream-position.ts';

// What the log table holds. Keys that many write at once have partitions of their own.

/** How far the streams of one category are logged, and what the next entry will be. */
export interface LogState {
  /** Of the newest entry; 0 before the first. Entries have every number up to it. */
  readonly sequence: number;
  /** Of the entries to come. */
  readonly epoch: number;
  /** Raised by every change of this item, so that two who log never log the same twice. */
  readonly revision: number;
  /** Everything up to the fence is logged, and nobody is to write any more. */
  readonly isSealed: boolean;
  /** Keys may wait to be logged once more. */
  readonly mayRelog: boolean;
  /** Writes that nobody was to make after the fence, and that no change of the other side has replaced yet. */
  readonly strays: number;
  readonly streams: readonly LoggedStream[];
  /** When the ends of all streams were seen last. */
  readonly readAtMs: number;
  /** Of the fence under way, until it is sealed. */
  readonly drain: Drain | null;
}

/** What is to prove that everything before a fence was read. */
interface Drain {
  /** Value of the barriers that were written after the fence. */
  readonly token: string;
  /** Shards in which one was read. */
  readonly shown: readonly string[];
}

export interface LoggedStream {
  readonly recordType: string;
  readonly arn: string;
  readonly position: StreamPosition;
}

const only = '.';

export function logKey(category: Category): ItemKey {
  return { pk: `log/${category}`, sk: only };
}

export function authorityKey(category: Category): ItemKey {
  return { pk: `authority/${category}`, sk: only };
}

/** Writers look at one of 16: transactions that look at one item hold each other up. */
export const writerGroups = 16;

export function writerGroupOf(key: RecordKey): number {
  return groupOf(key) % writerGroups;
}

export function writersKey(category: Category, group: number): ItemKey {
  return { pk: `writers/${category}/${group}`, sk: only };
}

export function entryKey(category: Category, sequence: number): ItemKey {
  return { pk: `entry/${category}/${sequence}`, sk: only };
}

export function lastKey(key: RecordKey): ItemKey {
  return { pk: `last/${recordPk(key)}`, sk: only };
}

export function echoKey(key: RecordKey, hash: string): ItemKey {
  return { pk: `echo/${recordPk(key)}/${hash}`, sk: only };
}

/** Keys that are logged again as soon as flat is open. */
export function relogKey(category: Category, key: RecordKey): ItemKey {
  return { pk: `relog/${category}`, sk: recordPk(key) };
}

/** Keys of which flat does not have what the other side says. */
export function unsettledKey(category: Category, key: RecordKey): ItemKey {
  return { pk: `unsettled/${category}`, sk: recordPk(key) };
}

export function barriersKey(category: Category, token: string): ItemKey {
  return { pk: `barriers/${category}`, sk: token };
}

export function itemAt({ pk, sk }: ItemKey): Item {
  return { pk: text(pk), sk: text(sk) };
}

export function keyAtSort(item: Item): RecordKey {
  return keyOfPk(textOf(item, 'sk'));
}

export function parseAuthority(item: Item): FlatAuthority {
  return { epoch: numberOf(item, 'epoch'), state: textOf(item, 'state') as FlatAuthority['state'] };
}

export function logItem(category: Category, state: LogState): Item {
  return {
    ...itemAt(logKey(category)),
    sequence: number(state.sequence),
    epoch: number(state.epoch),
    revision: number(state.revision),
    isSealed: number(state.isSealed ? 1 : 0),
    mayRelog: number(state.mayRelog ? 1 : 0),
    strays: number(state.strays),
    streams: text(JSON.stringify(state.streams)),
    readAtMs: number(state.readAtMs),
    drain: text(JSON.stringify(state.drain)),
  };
}

export function parseLogItem(item: Item): LogState {
  return {
    sequence: numberOf(item, 'sequence'),
    epoch: numberOf(item, 'epoch'),
    revision: numberOf(item, 'revision'),
    isSealed: numberOf(item, 'isSealed') === 1,
    mayRelog: numberOf(item, 'mayRelog') === 1,
    strays: numberOf(item, 'strays'),
    streams: JSON.parse(textOf(item, 'streams')) as LoggedStream[],
    readAtMs: numberOf(item, 'readAtMs'),
    drain: JSON.parse(textOf(item, 'drain')) as Drain | null,
  };
}

export function entryItem(category: Category, key: RecordKey, version: RecordVersion): Item {
  return {
    ...itemAt(entryKey(category, version.sequence)),
    recordType: text(key.recordType),
    id: text(key.id),
    epoch: number(version.epoch),
    sequence: number(version.sequence),
  };
}

export function parseEntry(item: Item): { readonly sequence: number; readonly key: RecordKey } {
  return {
    sequence: numberOf(item, 'sequence'),
    key: { recordType: textOf(item, 'recordType'), id: textOf(item, 'id') },
  };
}
