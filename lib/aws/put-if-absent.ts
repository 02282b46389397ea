import { PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { Item } from './attributes.ts';
import { isConditionFailed } from './faults.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { retried } from './retried.ts';

const concurrency = 16;

/** Small sets of items of our own bookkeeping; an item that is there stays as it is. */
export async function putIfAbsent(
  deps: { client: DynamoDBClient; table: string; sleeper: Sleeper },
  items: readonly Item[],
): Promise<void> {
  await mapBounded(items, concurrency, async (item) => {
    const command = new PutItemCommand({
      TableName: deps.table,
      Item: item,
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    try {
      await retried(deps.sleeper, () => deps.client.send(command));
    } catch (fault) {
      if (!isConditionFailed(fault)) throw fault;
    }
  });
}
