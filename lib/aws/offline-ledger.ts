import { ConditionalCheckFailedException, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { OfflineLedger, OfflineState } from '../jsonl/ports.ts';
import { number, text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { retried } from './retried.ts';

/** Partition key of the one item; grants of those that open a source of files are limited to it. */
const ledgerPartition = 'source-files';

const key: Item = { pk: text(ledgerPartition), sk: text('.') };

/** What a store of files cannot remember itself: one item of the progress table. */
export function makeOfflineLedger({
  client,
  table,
}: {
  client: DynamoDBClient;
  table: string;
}): OfflineLedger {
  return {
    async read() {
      const command = new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true });
      const { Item } = await retried(realSleeper, () => client.send(command));
      return Item === undefined ? null : (JSON.parse(textOf(Item, 'state')) as OfflineState);
    },
    async write(next) {
      const command = new PutItemCommand({
        TableName: table,
        Item: { ...key, revision: number(next.revision), state: text(JSON.stringify(next)) },
        ConditionExpression: next.revision === 1 ? 'attribute_not_exists(pk)' : 'revision = :present',
        ...(next.revision === 1
          ? {}
          : { ExpressionAttributeValues: { ':present': number(next.revision - 1) } }),
      });
      try {
        await retried(realSleeper, () => client.send(command));
        return true;
      } catch (fault) {
        // A lost answer also ends here; whoever asks then finds its own state there.
        if (fault instanceof ConditionalCheckFailedException) return false;
        throw fault;
      }
    },
  };
}
