import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

import type { Clock } from '../kernel/clock.ts';
import type { Lock } from '../orchestrator/ports.ts';
import { number, text } from './attributes.ts';

export interface LockDeps {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly clock: Clock;
  readonly name: string;
}

/** A lease in the control table; acquiring it again renews it. */
export function makeLock({ client, table, clock, name }: LockDeps): Lock {
  const key = { pk: text(`lock/${name}`), sk: text('.') };
  return {
    async acquire(owner, leaseMs) {
      const nowMs = clock.nowMs();
      const command = new PutItemCommand({
        TableName: table,
        Item: { ...key, owner: text(owner), leaseUntilMs: number(nowMs + leaseMs) },
        ConditionExpression: 'attribute_not_exists(pk) OR #owner = :owner OR leaseUntilMs <= :now',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': text(owner), ':now': number(nowMs) },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      try {
        await client.send(command);
        return { acquired: true };
      } catch (fault) {
        if (!(fault instanceof ConditionalCheckFailedException)) throw fault;
        return { acquired: false, holder: fault.Item?.['owner']?.S ?? 'somebody else' };
      }
    },
    async release(owner) {
      const command = new DeleteItemCommand({
        TableName: table,
        Key: key,
        ConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': text(owner) },
      });
      try {
        await client.send(command);
      } catch (fault) {
        // Somebody took it over after the lease ran out; it is not ours to release.
        if (!(fault instanceof ConditionalCheckFailedException)) throw fault;
      }
    },
  };
}
