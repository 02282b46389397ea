import {
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';

import type { Clock, Sleeper } from '../kernel/clock.ts';
import { encodeKey } from '../migration/key.ts';
import type { FinishedRanges, RangeStore } from '../migration/ports.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { putIfAbsent } from './put-if-absent.ts';
import { keyPosition } from './key-position.ts';
import { addCounts, countValues, parseRangeItem, rangeItem, rangeKey } from './range-item.ts';
import { queryRangeIds, rangeListItem } from './range-list.ts';
import { readItems } from './read-items.ts';

const currentRunKey: Item = { pk: text('run/current'), sk: text('.') };

/** Ranges in the progress table: one item per range, found by its id alone, and one that lists it. */
export function makeRangeStore(deps: {
  client: DynamoDBClient;
  table: string;
  clock: Clock;
  sleeper?: Sleeper;
}): RangeStore {
  const { client, table, clock } = deps;
  const items = { client, table, sleeper: deps.sleeper ?? realSleeper };

  /** The new item, or the old one (null: there is none) when the condition failed. */
  async function update(
    rangeId: string,
    input: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
  ): Promise<{ done: Item } | { refused: Item | null }> {
    const { pk, sk } = rangeKey(rangeId);
    const command = new UpdateItemCommand({
      ...input,
      TableName: table,
      Key: { pk: text(pk), sk: text(sk) },
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ExpressionAttributeNames: { '#state': 'state', ...input.ExpressionAttributeNames },
    });
    try {
      const answer = await client.send(command);
      return { done: answer.Attributes ?? {} };
    } catch (fault) {
      if (!isConditionFailed(fault)) throw fault;
      return { refused: fault.Item ?? null };
    }
  }

  return {
    async startRun(runId) {
      await client.send(
        new PutItemCommand({ TableName: table, Item: { ...currentRunKey, runId: text(runId) } }),
      );
    },

    async currentRun() {
      const answer = await client.send(
        new GetItemCommand({ TableName: table, Key: currentRunKey, ConsistentRead: true }),
      );
      return answer.Item === undefined ? null : textOf(answer.Item, 'runId');
    },

    async plan(tasks) {
      await putIfAbsent(items, tasks.map(rangeListItem));
      await putIfAbsent(items, tasks.map(rangeItem));
    },

    async closePlan(runId, recordType, rangeCount) {
      const item = { ...planKey(runId, recordType), rangeCount: number(rangeCount) };
      await client.send(new PutItemCommand({ TableName: table, Item: item }));
    },

    async plannedRangeCount(runId, recordType) {
      const answer = await client.send(
        new GetItemCommand({ TableName: table, Key: planKey(runId, recordType), ConsistentRead: true }),
      );
      return answer.Item === undefined ? null : numberOf(answer.Item, 'rangeCount');
    },

    async rememberFinished(runId, recordType, totals) {
      const command = new UpdateItemCommand({
        TableName: table,
        Key: planKey(runId, recordType),
        UpdateExpression: 'SET finished = :totals',
        ConditionExpression: 'rangeCount = :planned',
        ExpressionAttributeValues: {
          ':totals': text(JSON.stringify(totals)),
          ':planned': number(totals.plannedRanges),
        },
      });
      await client.send(command).catch((fault: unknown) => {
        if (!isConditionFailed(fault)) throw fault;
      });
    },

    async finishedRanges(runId, recordType) {
      const answer = await client.send(
        new GetItemCommand({ TableName: table, Key: planKey(runId, recordType), ConsistentRead: true }),
      );
      const found = answer.Item?.['finished']?.S;
      return found === undefined ? null : (JSON.parse(found) as FinishedRanges);
    },

    async acquire(rangeId, owner, leaseMs) {
      const nowMs = clock.nowMs();
      const outcome = await update(rangeId, {
        UpdateExpression: 'SET #state = :leased, #owner = :owner, leaseUntilMs = :until ADD fence :one',
        ConditionExpression:
          'attribute_exists(pk) AND (#state = :planned OR (#state = :leased AND leaseUntilMs <= :now))',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: {
          ':leased': text('leased'),
          ':planned': text('planned'),
          ':owner': text(owner),
          ':until': number(nowMs + leaseMs),
          ':now': number(nowMs),
          ':one': number(1),
        },
      });
      if ('done' in outcome) return { kind: 'acquired', range: parseRangeItem(outcome.done) };
      if (outcome.refused === null) return { kind: 'unknown' };
      return { kind: textOf(outcome.refused, 'state') === 'complete' ? 'complete' : 'held' };
    },

    async checkpoint(rangeId, fence, after, counts, leaseMs) {
      const position = keyPosition(after);
      const outcome = await update(rangeId, {
        UpdateExpression: `SET #cursor = :cursor, #position = :position, leaseUntilMs = :until ${addCounts}`,
        ConditionExpression:
          'fence = :fence AND #state = :leased AND (attribute_not_exists(#position) OR #position < :position)',
        ExpressionAttributeNames: { '#cursor': 'cursor', '#position': 'position' },
        ExpressionAttributeValues: {
          ':cursor': text(encodeKey(after)),
          ':position': text(position),
          ':until': number(clock.nowMs() + leaseMs),
          ':fence': number(fence),
          ':leased': text('leased'),
          ...countValues(counts),
        },
      });
      if ('done' in outcome) return true;
      // The same cursor under the same fence is this very checkpoint, whose first answer was lost.
      const found = outcome.refused;
      return isAt(found, 'leased', fence) && found?.['position']?.S === position;
    },

    async complete(rangeId, fence, counts) {
      const outcome = await update(rangeId, {
        UpdateExpression: `SET #state = :complete ${addCounts}`,
        ConditionExpression: 'fence = :fence AND #state = :leased',
        ExpressionAttributeValues: {
          ':complete': text('complete'),
          ':leased': text('leased'),
          ':fence': number(fence),
          ...countValues(counts),
        },
      });
      return 'done' in outcome || isAt(outcome.refused, 'complete', fence);
    },

    async release(rangeId, fence) {
      await update(rangeId, {
        UpdateExpression: 'SET #state = :planned, leaseUntilMs = :never',
        ConditionExpression: 'fence = :fence AND #state = :leased',
        ExpressionAttributeValues: {
          ':planned': text('planned'),
          ':never': number(0),
          ':leased': text('leased'),
          ':fence': number(fence),
        },
      });
    },

    async list(runId, recordType, cursor) {
      const page = await queryRangeIds(items, runId, recordType, cursor);
      const found = await readItems(items, page.rangeIds.map(rangeKey));
      const byId = new Map(found.map(parseRangeItem).map((range) => [range.rangeId, range]));
      // A listed id without a range is a plan that was cut off in the middle; planning again completes it.
      const ranges = page.rangeIds.flatMap((rangeId) => byId.get(rangeId) ?? []);
      return { ranges, cursor: page.cursor };
    },
  };
}

function planKey(runId: string, recordType: string): Item {
  return { pk: text(`plan/${runId}/${recordType}`), sk: text('.') };
}

function isAt(item: Item | null, state: string, fence: number): boolean {
  return item !== null && textOf(item, 'state') === state && numberOf(item, 'fence') === fence;
}
