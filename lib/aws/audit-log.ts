import {
  ConditionalCheckFailedException,
  PutItemCommand,
  QueryCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

import type { AuditLog } from '../audit/ports.ts';
import { linkRecord, type AuditRecord } from '../audit/record.ts';
import type { Sleeper } from '../kernel/clock.ts';
import { text, textOf } from './attributes.ts';
import { backoffMs, realSleeper } from './backoff.ts';

const mostAttempts = 10;
const keyOf = (sequence: number): string => String(sequence).padStart(12, '0');

/** The audit chain in the control table. A record is only ever added, under a sequence that nobody used. */
export function makeAuditLog(deps: { client: DynamoDBClient; table: string; sleeper?: Sleeper }): AuditLog {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function query(after: string, forward: boolean, limit: number): Promise<readonly AuditRecord[]> {
    const answer = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND sk > :after',
        ExpressionAttributeValues: { ':pk': text('audit'), ':after': text(after) },
        ScanIndexForward: forward,
        ConsistentRead: true,
        Limit: limit,
      }),
    );
    return (answer.Items ?? []).map((item) => JSON.parse(textOf(item, 'record')) as AuditRecord);
  }

  async function put(record: AuditRecord): Promise<boolean> {
    const body = JSON.stringify(record);
    try {
      await client.send(
        new PutItemCommand({
          TableName: table,
          Item: { pk: text('audit'), sk: text(keyOf(record.sequence)), record: text(body) },
          ConditionExpression: 'attribute_not_exists(pk)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return true;
    } catch (fault) {
      if (!(fault instanceof ConditionalCheckFailedException)) throw fault;
      // Our own record, when the answer to the first attempt was lost.
      return fault.Item?.['record']?.S === body;
    }
  }

  return {
    async append(entry) {
      for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
        const [head] = await query(keyOf(0), false, 1);
        const record = linkRecord(entry, head ?? null);
        if (await put(record)) return record;
        await sleeper.sleep(backoffMs(attempt));
      }
      throw new Error(`audit-log-2aa: the chain moved ${mostAttempts} times in a row`);
    },
    list: (afterSequence, limit) => query(keyOf(afterSequence), true, limit),
  };
}
