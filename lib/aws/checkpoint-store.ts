import {
  ConditionalCheckFailedException,
  PutItemCommand,
  QueryCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

import type { Checkpoint } from '../orchestrator/checkpoint.ts';
import type { CheckpointStore } from '../orchestrator/ports.ts';
import { text, textOf } from './attributes.ts';

/** Manifests in the control table, in the order in which they were made. */
export function makeCheckpointStore(deps: { client: DynamoDBClient; table: string }): CheckpointStore {
  const { client, table } = deps;
  return {
    async put(checkpoint) {
      const sk = `${String(checkpoint.createdAtMs).padStart(15, '0')}/${checkpoint.checkpointId}`;
      const command = new PutItemCommand({
        TableName: table,
        Item: { pk: text('checkpoint'), sk: text(sk), record: text(JSON.stringify(checkpoint)) },
        ConditionExpression: 'attribute_not_exists(pk)',
      });
      try {
        await client.send(command);
      } catch (fault) {
        if (!(fault instanceof ConditionalCheckFailedException)) throw fault;
      }
    },
    async list(limit) {
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': text('checkpoint') },
          ScanIndexForward: false,
          ConsistentRead: true,
          Limit: limit,
        }),
      );
      return (answer.Items ?? []).map((item) => JSON.parse(textOf(item, 'record')) as Checkpoint);
    },
  };
}
