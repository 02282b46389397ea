import { createHash } from 'node:crypto';

import { QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { RangeTask } from '../migration/ports.ts';
import { text, textOf, type Item } from './attributes.ts';

/** A run's ranges of one record type are listed under this many partition keys. */
const shardCount = 4;
const pageSize = 100;

/** Lists a range by run and record type. Written before the range, so that no range is ever left off the list. */
export function rangeListItem(task: RangeTask): Item {
  const pk = partition(task.runId, task.recordType, shardOf(task.rangeId));
  return { pk: text(pk), sk: text(task.rangeId) };
}

/** Ids of one page in the order of the list; the cursor is null after the last shard. Strongly consistent. */
export async function queryRangeIds(
  deps: { client: DynamoDBClient; table: string },
  runId: string,
  recordType: string,
  cursor: string | null,
): Promise<{ rangeIds: string[]; cursor: string | null }> {
  const { shard, after } = parseCursor(cursor);
  const pk = text(partition(runId, recordType, shard));
  const answer = await deps.client.send(
    new QueryCommand({
      TableName: deps.table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
      ConsistentRead: true,
      Limit: pageSize,
      ...(after === '' ? {} : { ExclusiveStartKey: { pk, sk: text(after) } }),
    }),
  );
  const last = answer.LastEvaluatedKey;
  const rangeIds = (answer.Items ?? []).map((item) => textOf(item, 'sk'));
  if (last !== undefined) return { rangeIds, cursor: `${shard}/${textOf(last, 'sk')}` };
  return { rangeIds, cursor: shard + 1 < shardCount ? `${shard + 1}/` : null };
}

function partition(runId: string, recordType: string, shard: number): string {
  return `ranges/${runId}/${recordType}/${shard}`;
}

function shardOf(rangeId: string): number {
  return (createHash('sha256').update(rangeId).digest()[0] ?? 0) % shardCount;
}

function parseCursor(cursor: string | null): { shard: number; after: string } {
  if (cursor === null) return { shard: 0, after: '' };
  const cut = cursor.indexOf('/');
  return { shard: Number(cursor.slice(0, cut)), after: cursor.slice(cut + 1) };
}
