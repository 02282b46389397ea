import {
  DeleteItemCommand,
  GetItemCommand,
  TransactWriteItemsCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { ReverseCanaries } from '../migration/reverse-canary.ts';
import { text, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { retried } from './retried.ts';
import { reversePendingItem, reversePendingKey } from './reverse-pending-item.ts';
import { marshalRecord, stateKey } from './state-item.ts';

/** Canaries in the state table itself, since its stream is a part of what they prove. */
export function makeReverseCanaries(deps: {
  client: DynamoDBClient;
  tables: { readonly state: string; readonly reversePending: string };
  sleeper?: Sleeper;
}): ReverseCanaries {
  const { client, tables } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function remove(TableName: string, Key: Item): Promise<void> {
    await retried(sleeper, () => client.send(new DeleteItemCommand({ TableName, Key })));
  }

  return {
    async plant(record, entry) {
      const command = new TransactWriteItemsCommand({
        TransactItems: [
          { Put: { TableName: tables.state, Item: marshalRecord(record) } },
          { Put: { TableName: tables.reversePending, Item: reversePendingItem(entry) } },
        ],
      });
      await retried(sleeper, () => client.send(command));
    },

    async isBack(entry) {
      const Key = reversePendingKey(entry);
      const command = new GetItemCommand({ TableName: tables.reversePending, Key, ConsistentRead: true });
      const answer = await retried(sleeper, () => client.send(command));
      return answer.Item === undefined;
    },

    async clear(entry) {
      const { pk, sk } = stateKey(entry.key);
      const stateItem: Item = { pk: text(pk), sk: text(sk) };
      await remove(tables.reversePending, reversePendingKey(entry));
      await remove(tables.state, stateItem);
    },
  };
}
