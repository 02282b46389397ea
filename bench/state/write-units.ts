import {
  BatchExecuteStatementCommand,
  BatchWriteItemCommand,
  type ConsumedCapacity,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

import { itemBytes } from '../../lib/aws/attributes.ts';
import { insertStatement } from '../../lib/aws/insert-items.ts';
import { inBatches, type Item } from './items.ts';
import type { Job, JobResult } from './job.ts';

/** What the store says a safe and a blind write of the same items cost; both under keys of their own. */
export async function measureWriteUnits(
  client: DynamoDBClient,
  items: readonly Item[],
  { tables }: Job,
): Promise<Pick<JobResult, 'records' | 'writeUnits' | 'kilobytes'> & { readonly blindUnits: number }> {
  let [writeUnits, blindUnits] = [0, 0];
  for (const batch of inBatches(items, 25)) {
    const safe = await client.send(
      new BatchExecuteStatementCommand({
        Statements: under('safe', batch).map((item) => insertStatement(tables.state, item)),
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );
    writeUnits += sumOf(safe.ConsumedCapacity);
    const requests = under('blind', batch).map((Item) => ({ PutRequest: { Item } }));
    const blind = await client.send(
      new BatchWriteItemCommand({
        RequestItems: { [tables.state]: requests },
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );
    blindUnits += sumOf(blind.ConsumedCapacity);
  }
  const kilobytes = items.reduce((sum, item) => sum + Math.ceil(itemBytes(item) / 1024), 0);
  return { records: items.length, writeUnits, blindUnits, kilobytes };
}

function under(prefix: string, items: readonly Item[]): readonly Item[] {
  return items.map((item) => ({ ...item, pk: { S: `${prefix[0]}${item['pk']?.S?.slice(1) ?? ''}` } }));
}

function sumOf(consumed: readonly ConsumedCapacity[] | undefined): number {
  return (consumed ?? []).reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
}
