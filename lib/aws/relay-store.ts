import {
  DeleteItemCommand,
  GetItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { Category } from '../migration/category.ts';
import type { RelayStore } from '../migration/ports.ts';
import { number, numberOf, text, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { cancellationReasons } from './faults.ts';
import { retried } from './retried.ts';

/** Cursor and unfinished batches in the progress table, one partition key per category. */
export function makeRelayStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): RelayStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  return {
    async cursor(category) {
      const answer = await client.send(
        new GetItemCommand({ TableName: table, Key: cursorKey(category), ConsistentRead: true }),
      );
      return answer.Item === undefined ? 0 : numberOf(answer.Item, 'throughSequence');
    },

    async begin(batch) {
      const isFirst = batch.afterSequence === 0 ? 'attribute_not_exists(pk) OR ' : '';
      const command = new TransactWriteItemsCommand({
        TransactItems: [
          {
            Update: {
              TableName: table,
              Key: cursorKey(batch.category),
              UpdateExpression: 'SET throughSequence = :through',
              ConditionExpression: `${isFirst}throughSequence = :after`,
              ExpressionAttributeValues: {
                ':after': number(batch.afterSequence),
                ':through': number(batch.throughSequence),
              },
            },
          },
          {
            Put: {
              TableName: table,
              Item: {
                ...batchKey(batch.category, batch.throughSequence),
                afterSequence: number(batch.afterSequence),
                throughSequence: number(batch.throughSequence),
                sentAtMs: number(batch.sentAtMs),
              },
            },
          },
        ],
      });
      return retried(sleeper, async () => {
        try {
          await client.send(command);
          return true;
        } catch (fault) {
          // A lost answer also ends here: the batch is then pending and is sent again when its age is up.
          const moved = cancellationReasons(fault)?.[0]?.Code === 'ConditionalCheckFailed';
          if (moved) return false;
          throw fault;
        }
      });
    },

    async finish(category, throughSequence) {
      await client.send(
        new DeleteItemCommand({ TableName: table, Key: batchKey(category, throughSequence) }),
      );
    },

    async pending(category, limit) {
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :batch)',
          ExpressionAttributeValues: { ':pk': text(partition(category)), ':batch': text('batch/') },
          ConsistentRead: true,
          Limit: limit,
        }),
      );
      return (answer.Items ?? []).map((item) => ({
        category,
        afterSequence: numberOf(item, 'afterSequence'),
        throughSequence: numberOf(item, 'throughSequence'),
        sentAtMs: numberOf(item, 'sentAtMs'),
      }));
    },
  };
}

function partition(category: Category): string {
  return `relay/${category}`;
}

function cursorKey(category: Category): Item {
  return { pk: text(partition(category)), sk: text('cursor') };
}

/** Padded, so that the order of the keys is the order of the log. */
function batchKey(category: Category, throughSequence: number): Item {
  return { pk: text(partition(category)), sk: text(`batch/${String(throughSequence).padStart(16, '0')}`) };
}
