import { QueryCommand, type DynamoDBClient, type QueryCommandInput } from '@aws-sdk/client-dynamodb';

import { text, type Item } from './attributes.ts';

/** Items of one partition key that pass the filter, counted by the store; strongly consistent. */
export async function countPartition(
  deps: { client: DynamoDBClient; table: string },
  pk: string,
  filter: Pick<QueryCommandInput, 'FilterExpression'> = {},
): Promise<number> {
  let count = 0;
  let after: Item | undefined;
  do {
    const answer = await deps.client.send(
      new QueryCommand({
        TableName: deps.table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': text(pk) },
        ConsistentRead: true,
        Select: 'COUNT',
        ExclusiveStartKey: after,
        ...filter,
      }),
    );
    count += answer.Count ?? 0;
    after = answer.LastEvaluatedKey;
  } while (after !== undefined);
  return count;
}
