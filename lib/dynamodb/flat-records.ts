import { randomUUID } from 'node:crypto';

import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  ResourceNotFoundException,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';

import { number, text, type Item } from '../aws/attributes.ts';
import { cancellationReasons } from '../aws/faults.ts';
import { retried } from '../aws/retried.ts';
import type { FlatRecords } from '../gateway/ports.ts';

import type { Category } from '../migration/category.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import type { FlatAuthority } from '../migration/ports.ts';
import type { FlatRow, KeyPart, RecordKey } from '../migration/row.ts';
import { itemKey, itemOfRow, rowOfItem } from './attribute-values.ts';
import { setWriterGroup } from './authority.ts';
import { tableAbsent } from './faults.ts';
import { fitsKey } from './flat-rows.ts';
import type { FlatStore } from './flat-store.ts';
import { authorityKey, itemAt, parseAuthority, writerGroupOf, writersKey } from './log-items.ts';
import { firstAuthority, readAuthority } from './log-state.ts';
import { rowConflict } from './row-conflict.ts';
import type { TableLayout } from './table-layout.ts';

export interface DynamoFlatRecords extends FlatRecords {
  close(): void;
}

/**
 * The flat store as the gateway reads and writes it, before and after a change log is installed. A write looks at the
 * authority in its own transaction. Throws HalError `RowConflict` for a row that no item holds, `TableAbsent`.
 */
export function makeDynamoFlatRecords(store: FlatStore): DynamoFlatRecords {
  return {
    async read(category, key) {
      const layout = await store.layout(key.recordType);
      const present = layout === null || !fitsKey(layout, key.id) ? null : layout;
      if (present === null)
        return { row: null, authority: (await readAuthority(store, category)) ?? firstAuthority };
      return await readTogether(store, present, category, key);
    },
    async write(category, key, row, epoch) {
      const layout = await store.layout(key.recordType);
      if (layout === null && row !== null) throw tableAbsent(store.place, key.recordType);
      if (layout !== null && row !== null) requireKey(layout, key, row);
      for (;;) {
        const refused = await writeOnce(store, layout, { category, key, row, epoch });
        if (refused === null) return { kind: 'written' };
        if (refused.state !== 'open' || refused.epoch !== epoch)
          return { kind: 'refused', authority: refused };
        // A crash kept the item that writers look at from following the authority.
        await setWriterGroup(store, category, writerGroupOf(key), refused);
      }
    },
    close: () => undefined,
  };
}

/** Throws TypeError for the row of another key. */
export function requireKey({ table }: TableLayout, key: RecordKey, row: FlatRow): void {
  const parts = table.keyColumns.map((column): KeyPart => {
    const value = row[column];
    return typeof value === 'bigint' ? value : String(value);
  });
  if (encodeKey(parts) !== key.id) throw new TypeError(`the row is not that of ${recordPk(key)}`);
}

async function readTogether(store: FlatStore, layout: TableLayout, category: Category, key: RecordKey) {
  const Key = itemKey(layout, decodeKey(key.id));
  const rowOf = (item: Item | undefined): FlatRow | null =>
    item === undefined ? null : rowOfItem(layout, item);
  const command = new TransactGetItemsCommand({
    TransactItems: [
      { Get: { TableName: layout.name, Key } },
      { Get: { TableName: store.log, Key: itemAt(authorityKey(category)) } },
    ],
  });
  try {
    const { Responses = [] } = await retried(store.sleeper, () => store.client.send(command));
    const authority = Responses[1]?.Item;
    return {
      row: rowOf(Responses[0]?.Item),
      authority: authority === undefined ? firstAuthority : parseAuthority(authority),
    };
  } catch (fault) {
    if (!isLogAbsent(fault)) throw fault;
    const get = new GetItemCommand({ TableName: layout.name, Key, ConsistentRead: true });
    return { row: rowOf((await store.client.send(get)).Item), authority: firstAuthority };
  }
}

interface Write {
  readonly category: Category;
  readonly key: RecordKey;
  readonly row: FlatRow | null;
  readonly epoch: number;
}

/** null when it was written, else the authority that refused it. */
async function writeOnce(
  store: FlatStore,
  layout: TableLayout | null,
  { category, key, row, epoch }: Write,
): Promise<FlatAuthority | null> {
  const isOpen = writerCheck(store, category, key, epoch);
  const items = layout === null || !fitsKey(layout, key.id) ? [] : [rowWrite(layout, key, row)];
  const command = new TransactWriteItemsCommand({
    // The same with each repetition: one that went through without an answer must not overwrite what came after it.
    ClientRequestToken: randomUUID(),
    TransactItems: [isOpen, ...items],
  });
  try {
    await retried(store.sleeper, () => store.client.send(command));
    return null;
  } catch (fault) {
    if (!isLogAbsent(fault) && !isRefused(fault)) throw rowConflict(fault, key);
  }
  const authority = await readAuthority(store, category);
  if (authority !== null) return authority;
  // Nothing was prepared yet: everybody writes.
  if (epoch !== firstAuthority.epoch) return firstAuthority;
  if (layout !== null) await writePlainly(store, layout, key, row);
  return null;
}

/** The category is open for writers at the epoch, as part of a transaction. */
export function writerCheck(
  store: FlatStore,
  category: Category,
  key: RecordKey,
  epoch: number,
): TransactWriteItem {
  return {
    ConditionCheck: {
      TableName: store.log,
      Key: itemAt(writersKey(category, writerGroupOf(key))),
      ConditionExpression: 'epoch = :epoch AND #state = :open',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: { ':epoch': number(epoch), ':open': text('open') },
    },
  };
}

export function rowWrite(layout: TableLayout, key: RecordKey, row: FlatRow | null): TransactWriteItem {
  if (row !== null) return { Put: { TableName: layout.name, Item: itemOfRow(row) } };
  return { Delete: { TableName: layout.name, Key: itemKey(layout, decodeKey(key.id)) } };
}

async function writePlainly(
  { client }: FlatStore,
  layout: TableLayout,
  key: RecordKey,
  row: FlatRow | null,
): Promise<void> {
  const { Put, Delete } = rowWrite(layout, key, row);
  try {
    if (Put !== undefined) await client.send(new PutItemCommand({ TableName: layout.name, Item: Put.Item }));
    if (Delete !== undefined)
      await client.send(new DeleteItemCommand({ TableName: layout.name, Key: Delete.Key }));
  } catch (fault) {
    throw rowConflict(fault, key);
  }
}

function isLogAbsent(fault: unknown): boolean {
  if (fault instanceof ResourceNotFoundException) return true;
  return cancellationReasons(fault)?.some(({ Code }) => Code === 'ResourceNotFound') === true;
}

function isRefused(fault: unknown): boolean {
  return cancellationReasons(fault)?.some(({ Code }) => Code === 'ConditionalCheckFailed') === true;
}
