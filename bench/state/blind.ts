import { BatchWriteItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import { mapBounded } from '../../lib/kernel/map-bounded.ts';
import { inBatches, type Item } from './items.ts';
import type { Job } from './job.ts';

/** The upper limit of what this client does with this endpoint: no condition, no checkpoint, no hash, no reading. */
export async function writeBlindly(
  client: DynamoDBClient,
  { tables, concurrency }: Job,
  items: readonly Item[],
): Promise<number> {
  await mapBounded(inBatches(items, 25), concurrency, async (batch) => {
    let open: readonly Item[] = batch;
    while (open.length > 0) {
      const requests = open.map((Item) => ({ PutRequest: { Item } }));
      const answer = await client.send(
        new BatchWriteItemCommand({ RequestItems: { [tables.state]: requests } }),
      );
      const left = answer.UnprocessedItems?.[tables.state] ?? [];
      open = left.flatMap(({ PutRequest }) => (PutRequest?.Item === undefined ? [] : [PutRequest.Item]));
    }
  });
  return items.length;
}

/** The safe way that everybody knows: one conditional put per item, as many under way as the batches have items. */
export async function writeOneByOne(
  client: DynamoDBClient,
  { tables, concurrency }: Job,
  items: readonly Item[],
): Promise<number> {
  await mapBounded(items, concurrency * 8, (Item) =>
    client.send(
      new PutItemCommand({
        TableName: tables.state,
        Item,
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    ),
  );
  return items.length;
}
