import {
  DeleteItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import type { BodyMark, BodyMarks } from '../migration/bodies/ports.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { retried } from './retried.ts';

/** The sweep may touch this partition of the table and no other. */
const bodyMarksPartition = 'body-sweep';

const writeConcurrency = 16;

const keyOf = (name: string): Item => ({ pk: text(bodyMarksPartition), sk: text(name) });

/** Marks in the progress table, an item each. */
export function makeBodyMarks(deps: { client: DynamoDBClient; table: string; sleeper?: Sleeper }): BodyMarks {
  const { client, table, sleeper = realSleeper } = deps;

  return {
    async add(names, sweepId) {
      await mapBounded(names, writeConcurrency, async (name) => {
        const command = new UpdateItemCommand({
          TableName: table,
          Key: keyOf(name),
          UpdateExpression: 'SET sweepId = :sweep',
          ExpressionAttributeValues: { ':sweep': text(sweepId) },
        });
        await retried(sleeper, () => client.send(command));
      });
    },
    async remove(names) {
      await mapBounded(names, writeConcurrency, async (name) => {
        const command = new DeleteItemCommand({ TableName: table, Key: keyOf(name) });
        await retried(sleeper, () => client.send(command));
      });
    },
    async setUnnamed({ name, sweepId }, sinceMs) {
      const command = new UpdateItemCommand({
        TableName: table,
        Key: keyOf(name),
        UpdateExpression: 'SET unnamedSinceMs = :since',
        ConditionExpression: 'sweepId = :sweep',
        ExpressionAttributeValues: { ':since': number(sinceMs), ':sweep': text(sweepId) },
      });
      try {
        await retried(sleeper, () => client.send(command));
      } catch (fault) {
        if (!isConditionFailed(fault)) throw fault;
      }
    },
    async list(after, limit) {
      const command = new QueryCommand({
        TableName: table,
        KeyConditionExpression: after === null ? 'pk = :pk' : 'pk = :pk AND sk > :after',
        ExpressionAttributeValues: {
          ':pk': text(bodyMarksPartition),
          ...(after === null ? {} : { ':after': text(after) }),
        },
        ConsistentRead: true,
        Limit: limit,
      });
      const { Items = [] } = await retried(sleeper, () => client.send(command));
      return Items.map(markOf);
    },
  };
}

function markOf(item: Item): BodyMark {
  return {
    name: textOf(item, 'sk'),
    sweepId: textOf(item, 'sweepId'),
    unnamedSinceMs: item['unnamedSinceMs'] === undefined ? null : numberOf(item, 'unnamedSinceMs'),
  };
}
