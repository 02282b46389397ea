import { DeleteItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';

import { realSleep } from '../../engines/virtual-clock.ts';
import type { LocalTable } from '../template/tables.ts';
import type { RunningSource } from './deps.ts';

const sweepEveryMs = 30_000;
const pageSize = 500;

/**
 * Deletes expired items, which the table engine does not do by itself. Real time: expiry is part of the state, and
 * compressing a wait must not age it. The condition keeps an item whose expiry moved meanwhile.
 */
export function startTtlSweeper(
  tables: readonly LocalTable[],
  client: DynamoDBClient,
  log: (line: string) => void,
): RunningSource {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await realSleep(sweepEveryMs, stopping.signal);
      for (const table of tables) {
        if (stopping.signal.aborted) return;
        await sweepTable(table, client, Math.floor(Date.now() / 1_000), stopping.signal).catch(
          (error: unknown) => log(`expiry of ${table.name}: ${String(error)}`),
        );
      }
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** One pass over one table; returns how many items were deleted. */
export async function sweepTable(
  table: LocalTable,
  client: DynamoDBClient,
  nowS: number,
  signal?: AbortSignal,
): Promise<number> {
  if (table.ttlAttribute === undefined) return 0;
  let deleted = 0;
  let startKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: table.name,
        FilterExpression: '#ttl < :now',
        ProjectionExpression: [...table.keyNames.map((_name, index) => `#k${index}`), '#ttl'].join(', '),
        ExpressionAttributeNames: attributeNames(table, table.ttlAttribute),
        ExpressionAttributeValues: { ':now': { N: String(nowS) } },
        Limit: pageSize,
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      }),
    );
    for (const item of page.Items ?? []) {
      if (await deleteExpired(table, table.ttlAttribute, client, item)) deleted += 1;
    }
    startKey = page.LastEvaluatedKey;
    if (isAborted(signal)) break;
  } while (startKey !== undefined);
  return deleted;
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

async function deleteExpired(
  table: LocalTable,
  ttlAttribute: string,
  client: DynamoDBClient,
  item: Record<string, AttributeValue>,
): Promise<boolean> {
  const seen = item[ttlAttribute];
  if (seen === undefined) return false;
  try {
    await client.send(
      new DeleteItemCommand({
        TableName: table.name,
        Key: Object.fromEntries(table.keyNames.map((name) => [name, item[name] ?? { NULL: true }])),
        ConditionExpression: '#ttl = :seen',
        ExpressionAttributeNames: { '#ttl': ttlAttribute },
        ExpressionAttributeValues: { ':seen': seen },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

function attributeNames(table: LocalTable, ttlAttribute: string): Record<string, string> {
  const keys = table.keyNames.map((name, index) => [`#k${index}`, name] as const);
  return { ...Object.fromEntries(keys), '#ttl': ttlAttribute };
}
