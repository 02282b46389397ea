import { randomUUID } from 'node:crypto';

import {
  GetItemCommand,
  ResourceNotFoundException,
  TransactWriteItemsCommand,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';

import { number, text, textOf, type Item } from '../aws/attributes.ts';
import { cancellationReasons } from '../aws/faults.ts';
import { readItems } from '../aws/read-items.ts';
import { retried } from '../aws/retried.ts';
import type { Category } from '../migration/category.ts';
import type { FlatAuthority } from '../migration/ports.ts';
import { changeLogMissing } from './faults.ts';
import type { FlatStore } from './flat-store.ts';
import {
  authorityKey,
  itemAt,
  logItem,
  logKey,
  parseAuthority,
  parseLogItem,
  type LogState,
} from './log-items.ts';

export interface CategoryState {
  readonly authority: FlatAuthority;
  readonly log: LogState;
}

/** Who may write a category before anything was prepared. */
export const firstAuthority: FlatAuthority = { epoch: 1, state: 'open' };

/** Authority and log of a category, strongly consistent, each for itself; null before there is a log. */
export async function readState(store: FlatStore, category: Category): Promise<CategoryState | null> {
  const keys = [authorityKey(category), logKey(category)];
  const { client, sleeper } = store;
  try {
    const items = await readItems({ client, table: store.log, sleeper }, keys);
    const found = new Map(items.map((item) => [textOf(item, 'pk'), item]));
    const [authority, log] = keys.map(({ pk }) => found.get(pk));
    if (authority === undefined || log === undefined) return null;
    return { authority: parseAuthority(authority), log: parseLogItem(log) };
  } catch (fault) {
    if (fault instanceof ResourceNotFoundException) return null;
    throw fault;
  }
}

/** Throws HalError `ChangeLogMissing`. */
export async function requireState(store: FlatStore, category: Category): Promise<CategoryState> {
  const state = await readState(store, category);
  if (state === null) throw changeLogMissing(store.place, `nothing logs ${category}`);
  return state;
}

export async function readAuthority(store: FlatStore, category: Category): Promise<FlatAuthority | null> {
  try {
    const Key = itemAt(authorityKey(category));
    const { Item } = await store.client.send(
      new GetItemCommand({ TableName: store.log, Key, ConsistentRead: true }),
    );
    return Item === undefined ? null : parseAuthority(Item);
  } catch (fault) {
    if (fault instanceof ResourceNotFoundException) return null;
    throw fault;
  }
}

/** Changes the log item from the revision that was read to the next, with what belongs to it; false when it moved. */
export async function advanceLog(
  store: FlatStore,
  category: Category,
  change: { readonly from: LogState; readonly to: Omit<LogState, 'revision'> },
  further: readonly TransactWriteItem[] = [],
): Promise<boolean> {
  const { from, to } = change;
  return await transact(store, [
    {
      Put: {
        TableName: store.log,
        Item: logItem(category, { ...to, revision: from.revision + 1 }),
        ConditionExpression: 'revision = :revision',
        ExpressionAttributeValues: { ':revision': number(from.revision) },
      },
    },
    ...further,
  ]);
}

/** The authority goes from one state to the next, as part of a transaction. */
export function authorityMove(
  store: FlatStore,
  category: Category,
  from: FlatAuthority,
  to: FlatAuthority,
): TransactWriteItem {
  return {
    Update: {
      TableName: store.log,
      Key: itemAt(authorityKey(category)),
      UpdateExpression: 'SET epoch = :toEpoch, #state = :toState',
      ConditionExpression: isAuthority,
      ExpressionAttributeNames: stateName,
      ExpressionAttributeValues: {
        ...authorityValues(from),
        ':toEpoch': number(to.epoch),
        ':toState': text(to.state),
      },
    },
  };
}

/** The authority is still what it was, as part of a transaction. */
export function authorityCheck(
  store: FlatStore,
  category: Category,
  present: FlatAuthority,
): TransactWriteItem {
  return {
    ConditionCheck: {
      TableName: store.log,
      Key: itemAt(authorityKey(category)),
      ConditionExpression: isAuthority,
      ExpressionAttributeNames: stateName,
      ExpressionAttributeValues: authorityValues(present),
    },
  };
}

const isAuthority = 'epoch = :epoch AND #state = :state';
const stateName = { '#state': 'state' };

function authorityValues({ epoch, state }: FlatAuthority): Item {
  return { ':epoch': number(epoch), ':state': text(state) };
}

/** One transaction; false when one of its conditions does not hold. Conflicts are repeated. */
export async function transact(store: FlatStore, items: readonly TransactWriteItem[]): Promise<boolean> {
  // The same token with each repetition: what went through and was not answered is not done twice.
  const ClientRequestToken = randomUUID();
  const command = new TransactWriteItemsCommand({ ClientRequestToken, TransactItems: [...items] });
  try {
    await retried(store.sleeper, () => store.client.send(command));
    return true;
  } catch (fault) {
    const isRefused = cancellationReasons(fault)?.some(({ Code }) => Code === 'ConditionalCheckFailed');
    if (isRefused === true) return false;
    throw fault;
  }
}
