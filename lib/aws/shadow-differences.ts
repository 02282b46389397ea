import { PutItemCommand, QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { ShadowDifference, ShadowDifferences } from '../shadow/ports.ts';
import { number, text, textOf } from './attributes.ts';

const keptForS = 7 * 24 * 3600;

/** Differences in DynamoDB: one partition per day, in the order of time; the table's TTL removes them. */
export function makeShadowDifferences(deps: { client: DynamoDBClient; table: string }): ShadowDifferences {
  const { client, table } = deps;
  return {
    async put(difference) {
      const Item = {
        pk: text(partitionOf(new Date(difference.atMs).toISOString().slice(0, 10))),
        sk: text(`${String(difference.atMs).padStart(15, '0')}/${difference.requestId}`),
        body: text(JSON.stringify(difference)),
        ttl: number(Math.ceil(difference.atMs / 1000) + keptForS),
      };
      await client.send(new PutItemCommand({ TableName: table, Item }));
    },
    async list(day, limit) {
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': text(partitionOf(day)) },
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      return (answer.Items ?? []).map((item) => JSON.parse(textOf(item, 'body')) as ShadowDifference);
    },
  };
}

function partitionOf(day: string): string {
  return `difference/${day}`;
}
