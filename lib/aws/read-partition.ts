import { QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { text, type Item } from './attributes.ts';
import { retried } from './retried.ts';

/** Every item of one partition key in the order of its sort keys, strongly consistent; for small partitions. */
export async function readPartition(
  { client, table, sleeper }: { client: DynamoDBClient; table: string; sleeper: Sleeper },
  pk: string,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const command = new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': text(pk) },
      ConsistentRead: true,
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    });
    const answer = await retried(sleeper, () => client.send(command));
    items.push(...(answer.Items ?? []));
    from = answer.LastEvaluatedKey;
  } while (from !== undefined);
  return items;
}
