import { DeleteItemCommand, QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { groupCount } from '../migration/bucket.ts';
import type { ReversePendingStore } from '../migration/ports.ts';
import { number, text } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { countPartition } from './count-partition.ts';
import { isConditionFailed } from './faults.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { retried } from './retried.ts';
import {
  parseReversePendingItem,
  reversePendingKey,
  reversePendingPartition,
} from './reverse-pending-item.ts';

const groups = Array.from({ length: groupCount }, (_, group) => group);

/** Entries in the reverse-pending table, one partition key per category and authority group. */
export function makeReversePendingStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): ReversePendingStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  return {
    async list(category, group, limit) {
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': text(reversePendingPartition(category, group)) },
          ConsistentRead: true,
          Limit: limit,
        }),
      );
      return (answer.Items ?? []).map((item) => parseReversePendingItem(item, category, group));
    },

    async remove(entry) {
      const command = new DeleteItemCommand({
        TableName: table,
        Key: reversePendingKey(entry),
        ConditionExpression: 'e < :e OR (e = :e AND v <= :v)',
        ExpressionAttributeValues: {
          ':e': number(entry.version.epoch),
          ':v': number(entry.version.sequence),
        },
      });
      try {
        await retried(sleeper, () => client.send(command));
      } catch (fault) {
        // Gone already, or a newer write of the key is pending now.
        if (!isConditionFailed(fault)) throw fault;
      }
    },

    async count(category) {
      const counts = await mapBounded(groups, 8, (group) =>
        countPartition({ client, table }, reversePendingPartition(category, group)),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}
