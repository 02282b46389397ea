import { QueryCommand, type TransactWriteItem } from '@aws-sdk/client-dynamodb';

import { text, type Item } from '../aws/attributes.ts';
import type { Category } from '../migration/category.ts';
import { recordPk } from '../migration/key.ts';
import type { RecordKey } from '../migration/row.ts';
import { readRows } from './flat-rows.ts';
import type { FlatStore } from './flat-store.ts';
import { logged, sentBytes } from './log-changes.ts';
import { itemAt, keyAtSort, relogKey, unsettledKey, type LogState } from './log-items.ts';
import { advanceLog } from './log-state.ts';

const keysPerStep = 24;
const mostBytes = 3_000_000;

/**
 * Logs some of the keys once more that changed while flat did not log: what came from the other side, and what was
 * written past a fence that was lifted since. They come before anything that the streams tell from then on.
 */
export async function relogSome(store: FlatStore, category: Category, log: LogState): Promise<void> {
  const partitions = [relogKey, unsettledKey] as const;
  for (const partition of partitions) {
    const { pk } = partition(category, { recordType: '', id: '' });
    const found = (await firstItems(store, pk)).filter(({ kind }) => kind?.S !== 'unfit');
    if (found.length === 0) continue;
    await relogKeys(store, category, log, { pk, keys: found.map(keyAtSort) });
    return;
  }
  await advanceLog(store, category, { from: log, to: { ...log, mayRelog: false, strays: 0 } });
}

async function firstItems(store: FlatStore, pk: string): Promise<readonly Item[]> {
  const command = new QueryCommand({
    TableName: store.log,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': text(pk) },
    ConsistentRead: true,
    Limit: keysPerStep,
  });
  return (await store.client.send(command)).Items ?? [];
}

async function relogKeys(
  store: FlatStore,
  category: Category,
  log: LogState,
  { pk, keys }: { readonly pk: string; readonly keys: readonly RecordKey[] },
): Promise<void> {
  const rows = await readRows(store, keys);
  for (let count = keys.length; ; count = count >> 1) {
    const chosen = keys.slice(0, Math.max(1, count));
    const changes = chosen.map((key) => ({ key, row: rows.get(recordPk(key)) ?? null }));
    const entries = logged(store.log, category, changes, { epoch: log.epoch, sequence: log.sequence + 1 });
    const isFitting = entries.length <= 70 && sentBytes(entries) <= mostBytes;
    if (!isFitting && chosen.length > 1) continue;
    const done = chosen.map((key): TransactWriteItem => ({
      Delete: { TableName: store.log, Key: itemAt({ pk, sk: recordPk(key) }) },
    }));
    const to = { ...log, sequence: log.sequence + chosen.length };
    await advanceLog(store, category, { from: log, to }, [...entries, ...done]);
    return;
  }
}
