import { bucketOf } from '../migration/bucket.ts';
import type { Category } from '../migration/category.ts';
import { keyOfPk, recordPk } from '../migration/key.ts';
import type { QuarantineEntry } from '../migration/ports.ts';
import type { RecordKey } from '../migration/row.ts';
import { numberOf, text, textOf, type Item } from './attributes.ts';
import type { ItemKey } from './read-items.ts';

/** A category's entries are spread over this many partition keys: a raw row costs up to 300 write units. */
export const quarantineShards = 8;

/** Most of a raw row that an entry keeps; an item holds 400 KB with everything else in it. */
const maxRawBytes = 300_000;

export function quarantinePartition(category: Category, shard: number): string {
  return `${category}/${shard}`;
}

export function quarantineKey(category: Category, key: RecordKey): Item {
  const { pk, sk } = quarantineItemKey(category, key);
  return { pk: text(pk), sk: text(sk) };
}

export function quarantineItemKey(category: Category, key: RecordKey): ItemKey {
  const shard = bucketOf(key) % quarantineShards;
  return { pk: quarantinePartition(category, shard), sk: recordPk(key) };
}

export function parseQuarantineItem(item: Item, category: Category): QuarantineEntry {
  return {
    key: keyOfPk(textOf(item, 'sk')),
    category,
    version: { epoch: numberOf(item, 'e'), sequence: numberOf(item, 'v') },
    errorName: textOf(item, 'errorName'),
    errorMessage: textOf(item, 'errorMessage'),
    rawRow: textOf(item, 'rawRow'),
    rawLengthBytes: numberOf(item, 'rawLengthBytes'),
    firstSeenAtMs: numberOf(item, 'firstSeenAtMs'),
    attempts: numberOf(item, 'attempts'),
  };
}

/** Cut at a character boundary; the entry's `rawLengthBytes` tells that something is missing. */
export function cutRawRow(rawRow: string): string {
  if (Buffer.byteLength(rawRow) <= maxRawBytes) return rawRow;
  return new TextDecoder().decode(Buffer.from(rawRow).subarray(0, maxRawBytes), { stream: true });
}
