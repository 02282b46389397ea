import { createHash } from 'node:crypto';

import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';

import { itemBytes, number, text, type Item } from '../aws/attributes.ts';
import type { Category } from '../migration/category.ts';
import { recordPk } from '../migration/key.ts';
import { encodeRow } from '../migration/row-encoding.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import { lastItems, type LastImage } from './last-images.ts';
import { echoKey, entryItem, itemAt, unsettledKey } from './log-items.ts';

/** What a stream says about one key. */
export interface Change {
  readonly key: RecordKey;
  /** null deletes. */
  readonly row: FlatRow | null;
}

/** Entries of some changes with the newest image of each key, as parts of one transaction. */
export function logged(
  table: string,
  category: Category,
  changes: readonly Change[],
  first: { readonly epoch: number; readonly sequence: number },
): readonly TransactWriteItem[] {
  const last = new Map<string, Change & LastImage>();
  const entries = changes.map((change, at) => {
    const version = { epoch: first.epoch, sequence: first.sequence + at };
    last.set(recordPk(change.key), { ...change, version });
    return entryItem(category, change.key, version);
  });
  const images = [...last.values()].flatMap((image) => lastItems(image.key, image));
  return [...entries, ...images].map((Item) => ({ Put: { TableName: table, Item } }));
}

/** Names the content of a row; what a reverse change wrote is known again by it in the stream. */
export function contentHash(row: FlatRow | null): string {
  if (row === null) return 'deleted';
  const names = Object.keys(row)
    .filter((name) => row[name] !== null)
    .toSorted();
  const content = encodeRow(Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
  return createHash('sha256').update(content).digest('hex').slice(0, 40);
}

/** The stream will show this content once more than before. */
export function echoExpected(table: string, change: Change): TransactWriteItem {
  return {
    Update: {
      TableName: table,
      Key: itemAt(echoKey(change.key, contentHash(change.row))),
      UpdateExpression: 'ADD expected :one',
      ExpressionAttributeValues: { ':one': number(1) },
    },
  };
}

/** It has shown it that often. */
export function echoSeen(table: string, change: Change, times: number): TransactWriteItem {
  return {
    Update: {
      TableName: table,
      Key: itemAt(echoKey(change.key, contentHash(change.row))),
      UpdateExpression: 'ADD expected :less',
      ConditionExpression: 'expected >= :times',
      ExpressionAttributeValues: { ':less': number(-times), ':times': number(times) },
    },
  };
}

const maxRawCharacters = 90_000;

/** A key of which flat has something else than the other side says; `kind` says how that came. */
export function unsettled(
  table: string,
  category: Category,
  { key, row }: Change,
  kind: 'stray' | 'unfit',
): TransactWriteItem {
  const raw = row === null ? '' : encodeRow(row).slice(0, maxRawCharacters);
  return {
    Put: {
      TableName: table,
      Item: { ...itemAt(unsettledKey(category, key)), kind: text(kind), raw: text(raw) },
    },
  };
}

/** Bytes that a transaction sends, roughly. */
export function sentBytes(items: readonly TransactWriteItem[]): number {
  return items.reduce((sum, { Put }) => sum + (Put?.Item === undefined ? 500 : bytesOf(Put.Item)), 0);
}

function bytesOf(item: Item): number {
  return itemBytes(item) + (item['bytes']?.B?.length ?? 0);
}
