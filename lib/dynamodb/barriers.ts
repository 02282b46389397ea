import { randomUUID } from 'node:crypto';

import { DeleteItemCommand, PutItemCommand, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';

import { text, textOf, type Item } from '../aws/attributes.ts';
import { readPartition } from '../aws/read-partition.ts';
import type { Category } from '../migration/category.ts';
import type { FlatStore } from './flat-store.ts';
import { barriersKey, itemAt } from './log-items.ts';
import type { KeyAttribute, TableLayout } from './table-layout.ts';

/** An item that is no row: it stands in a table for a moment, so that its stream shows how far it is read. */
const marker = '_mig_barrier';

/** Leaves barriers out of a scan. */
export const noBarrier = `attribute_not_exists(${marker})`;

/** Reserved keys: a text that begins so, an integer beyond this one. */
const reservedText = '_mig_barrier/';
const reservedInteger = -(10n ** 30n);

export function barrierToken(item: Item | null): string | null {
  return item?.[marker]?.S ?? null;
}

export function isBarrier(item: Item | null): boolean {
  return barrierToken(item) !== null;
}

const mostAtOnce = 25;

/** Barriers for the shards that are missing: twice as many, since each goes to one of all shards by chance. */
export async function placeBarriers(
  store: FlatStore,
  category: Category,
  layout: TableLayout,
  { token, missing }: { readonly token: string; readonly missing: readonly string[] },
): Promise<void> {
  const count = Math.min(mostAtOnce, Math.max(1, 2 * missing.length - 1));
  await Promise.all(Array.from({ length: count }, () => placeBarrier(store, category, layout, token)));
}

/** Under a random key. It is noted first, so that none stays. */
async function placeBarrier(
  store: FlatStore,
  category: Category,
  layout: TableLayout,
  token: string,
): Promise<void> {
  const id = randomUUID();
  const key = Object.fromEntries(
    layout.key.map((attribute) => [attribute.name, reservedPart(attribute, id)]),
  );
  await store.client.send(
    new PutItemCommand({
      TableName: store.log,
      Item: { ...itemAt(barriersKey(category, id)), table: text(layout.name), key: { M: key } },
    }),
  );
  await store.client.send(
    new PutItemCommand({
      TableName: layout.name,
      Item: { ...key, [marker]: text(token) },
      ConditionExpression: 'attribute_not_exists(#partition)',
      ExpressionAttributeNames: { '#partition': layout.key[0]?.name ?? '' },
    }),
  );
}

function reservedPart({ type }: KeyAttribute, id: string): Item[string] {
  if (type !== 'N') return { S: `${reservedText}${id}` };
  return { N: (reservedInteger - BigInt(`0x${id.replaceAll('-', '').slice(0, 16)}`)).toString() };
}

/** Takes every barrier of the category out of its tables; one that a crash left behind goes with the next ones. */
export async function removeBarriers(store: FlatStore, category: Category): Promise<void> {
  const { client, log: table, sleeper } = store;
  const { pk } = barriersKey(category, '');
  for (const item of await readPartition({ client, table, sleeper }, pk)) {
    const Key = item['key']?.M ?? {};
    try {
      await client.send(
        new DeleteItemCommand({
          TableName: textOf(item, 'table'),
          Key,
          ConditionExpression: 'attribute_exists(#marker)',
          ExpressionAttributeNames: { '#marker': marker },
        }),
      );
    } catch (fault) {
      const isGone = fault instanceof Error && fault.name === 'ConditionalCheckFailedException';
      if (!isGone && !(fault instanceof ResourceNotFoundException)) throw fault;
    }
    await client.send(
      new DeleteItemCommand({ TableName: table, Key: itemAt(barriersKey(category, textOf(item, 'sk'))) }),
    );
  }
}
