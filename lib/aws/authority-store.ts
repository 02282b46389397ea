import {
  GetItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type TransactWriteItem,
  type Update,
} from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { groupCount } from '../migration/bucket.ts';
import type { Category } from '../migration/category.ts';
import type { AuthorityItem, AuthorityStore } from '../migration/ports.ts';
import { flag, number, text, type Item } from './attributes.ts';
import { authorityItem, authorityKey, parseAuthorityItem } from './authority-item.ts';
import { realSleeper } from './backoff.ts';
import { cancellationReasons, isConditionFailed } from './faults.ts';
import { putIfAbsent } from './put-if-absent.ts';
import { retried } from './retried.ts';
import { switchKey } from './switch-store.ts';

/** A change of one authority item; the condition also admits the item that has been changed already. */
interface Change {
  readonly name: string;
  readonly update: string;
  readonly condition: string;
  readonly values: Item;
  /** From this epoch on an item has been overtaken by a later switch, and the change has nothing left to do. */
  readonly overtakenAt: number;
}

const groups = Array.from({ length: groupCount }, (_, group) => group);

/** Writers wait for the last one. */
const itemsAtOnce = 16;

/**
 * Authority items in the authority table. A change of all 64 is one transaction; while writers keep it from going
 * through, the items change one by one, which is safe: a category has changed when its last item has.
 * Items that a later switch has taken further are left alone. Throws `AuthorityBehind` when an item is absent, of an
 * older epoch than the change starts from, or would leave a side that was not fenced.
 */
export function makeAuthorityStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): AuthorityStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function changeAll(category: Category, change: Change): Promise<void> {
    const updates = groups.map((group) => updateOf(table, category, group, change));
    const transaction = { TransactItems: updates.map((Update) => ({ Update })) };
    try {
      await retried(sleeper, () => client.send(new TransactWriteItemsCommand(transaction)));
      return;
    } catch (fault) {
      if (cancellationReasons(fault) === null) throw fault;
    }
    await mapBounded([...updates.entries()], itemsAtOnce, ([group, update]) =>
      changeOne(category, group, change, update),
    );
  }

  async function changeOne(category: Category, group: number, change: Change, update: Update): Promise<void> {
    try {
      await retried(sleeper, () => client.send(new UpdateItemCommand(update)));
    } catch (fault) {
      if (!isConditionFailed(fault)) throw fault;
      const found = fault.Item === undefined ? null : parseAuthorityItem(fault.Item);
      if (found === null || found.epoch < change.overtakenAt) {
        throw authorityBehind(category, group, change.name, found);
      }
    }
  }

  /** One transaction for all; while writers keep it from going through, one for each item. */
  async function unfenceAll(category: Category, epoch: number): Promise<void> {
    const check = abortedSwitch(table, category, epoch + 1);
    const updates = groups.map((group) => ({ Update: updateOf(table, category, group, unfenceOf(epoch)) }));
    if (await isDone([check, ...updates])) return;
    await mapBounded(updates, itemsAtOnce, (update) => isDone([check, update]));
  }

  /** False when the store cancelled it: the fence is not (or no longer) ours to lift, or writers were in the way. */
  async function isDone(items: readonly TransactWriteItem[]): Promise<boolean> {
    try {
      await retried(sleeper, () => client.send(new TransactWriteItemsCommand({ TransactItems: [...items] })));
      return true;
    } catch (fault) {
      const reasons = cancellationReasons(fault);
      if (reasons?.some(({ Code }) => Code === 'ConditionalCheckFailed') === true) return false;
      if (reasons !== null && items.length > 2) return false;
      throw fault;
    }
  }

  return {
    async initialize(category, epoch) {
      const items = groups.map((group) =>
        authorityItem({ category, group, side: 'flat', epoch, fenced: false }),
      );
      await putIfAbsent({ client, table, sleeper }, items);
    },

    async read(category, group) {
      const answer = await client.send(
        new GetItemCommand({ TableName: table, Key: authorityKey(category, group), ConsistentRead: true }),
      );
      return answer.Item === undefined ? null : parseAuthorityItem(answer.Item);
    },

    async readAll(category) {
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': text(category) },
          ConsistentRead: true,
        }),
      );
      return (answer.Items ?? []).map(parseAuthorityItem);
    },

    fence: (category, epoch) =>
      changeAll(category, {
        name: `fence epoch ${epoch}`,
        update: 'SET fenced = :fenced',
        condition: 'epoch = :epoch',
        values: { ':fenced': flag(true), ':epoch': number(epoch) },
        overtakenAt: epoch + 1,
      }),

    unfence: unfenceAll,

    // A hierarchical side that still admits writes is never left, and a late repetition never lifts a newer fence.
    open: (category, side, epoch) =>
      changeAll(category, {
        name: `open ${side} at epoch ${epoch}`,
        update: 'SET side = :side, epoch = :epoch, fenced = :no',
        condition:
          '(epoch = :previous AND (side = :flat OR fenced = :yes)) OR (epoch = :epoch AND side = :side AND fenced = :no)',
        values: {
          ':side': text(side),
          ':flat': text('flat'),
          ':epoch': number(epoch),
          ':previous': number(epoch - 1),
          ':yes': flag(true),
          ':no': flag(false),
        },
        overtakenAt: epoch,
      }),
  };
}

function unfenceOf(epoch: number): Pick<Change, 'update' | 'condition' | 'values'> {
  return {
    update: 'SET fenced = :fenced',
    condition: 'epoch = :epoch',
    values: { ':fenced': flag(false), ':epoch': number(epoch) },
  };
}

/** True in the store while the switch to `epoch` stands aborted; a new one of the same epoch ends that. */
function abortedSwitch(table: string, category: Category, epoch: number): TransactWriteItem {
  return {
    ConditionCheck: {
      TableName: table,
      Key: switchKey(category),
      ConditionExpression: 'stage = :aborted AND epoch = :epoch',
      ExpressionAttributeValues: { ':aborted': text('aborted'), ':epoch': number(epoch) },
    },
  };
}

function updateOf(
  table: string,
  category: Category,
  group: number,
  change: Pick<Change, 'update' | 'condition' | 'values'>,
) {
  return {
    TableName: table,
    Key: authorityKey(category, group),
    UpdateExpression: change.update,
    ConditionExpression: change.condition,
    ExpressionAttributeValues: change.values,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
}

function authorityBehind(
  category: Category,
  group: number,
  attempted: string,
  found: AuthorityItem | null,
): HalError {
  const state =
    found === null ? 'absent' : `${found.side} at epoch ${found.epoch}${found.fenced ? ', fenced' : ''}`;
  return new HalError({
    name: 'AuthorityBehind',
    message: `Cannot ${attempted} for ${category}: authority item ${group} is ${state}.`,
    remedy: `Look at the authority of ${category} with \`hal9-migrate state status\` and finish or abort its switch first.`,
    exit: 'conflict',
    facts: { category, group, attempted, found },
  });
}
