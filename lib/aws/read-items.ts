import { BatchGetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { text, type Item } from './attributes.ts';
import { backoffMs } from './backoff.ts';

const keysPerRequest = 100;
const maxRounds = 12;

export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** Attributes to return; all without one. */
interface Projection {
  readonly ProjectionExpression?: string;
}

interface ReadDeps {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly sleeper: Sleeper;
}

/** Strongly consistent; absent items are left out and the order is the store's. Keys must be distinct. */
export async function readItems(
  deps: ReadDeps,
  keys: readonly ItemKey[],
  projection: Projection = {},
): Promise<Item[]> {
  return await readItemsAt(
    deps,
    keys.map(({ pk, sk }) => ({ pk: text(pk), sk: text(sk) })),
    projection,
  );
}

/** `readItems` of a table with any key. */
export async function readItemsAt(
  deps: ReadDeps,
  keys: readonly Item[],
  projection: Projection = {},
): Promise<Item[]> {
  const found: Item[] = [];
  for (let start = 0; start < keys.length; start += keysPerRequest) {
    found.push(...(await readGroup(deps, keys.slice(start, start + keysPerRequest), projection)));
  }
  return found;
}

async function readGroup(
  { client, table, sleeper }: ReadDeps,
  keys: readonly Item[],
  projection: Projection,
): Promise<Item[]> {
  const found: Item[] = [];
  let open = [...keys];
  for (let round = 0; open.length > 0; round += 1) {
    if (round >= maxRounds) throw storeReadsThrottled(table, open.length);
    if (round > 0) await sleeper.sleep(backoffMs(round - 1));
    const answer = await client.send(
      new BatchGetItemCommand({
        RequestItems: { [table]: { ...projection, Keys: open, ConsistentRead: true } },
      }),
    );
    const items = answer.Responses?.[table] ?? [];
    found.push(...items);
    const left = answer.UnprocessedKeys?.[table]?.Keys ?? [];
    // Big items come 16 MB at a time: that is progress, not throttling.
    if (items.length > 0) round = 0;
    open = left;
  }
  return found;
}

function storeReadsThrottled(table: string, keyCount: number): HalError {
  return new HalError({
    name: 'StoreThrottled',
    message: `Table ${table} left ${keyCount} reads unanswered after ${maxRounds} attempts.`,
    remedy: 'Lower the number of workers or raise the warm throughput of the table; the work is retried.',
    exit: 'unavailable',
    facts: { table, keyCount },
  });
}
