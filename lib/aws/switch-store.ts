import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { attemptOf } from '../migration/admission.ts';
import type { Category } from '../migration/category.ts';
import type { SwitchRecord, SwitchStore } from '../migration/ports.ts';
import type { RecordOrigin } from '../migration/record.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { retried } from './retried.ts';

/** Flat starts with epoch 1. */
const firstSwitchEpoch = 2;

/** The latest switch of each category, in the authority table. */
export function makeSwitchStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): SwitchStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function putIf(record: SwitchRecord, condition: string, values: Item): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: table,
      Item: switchItem(record),
      ConditionExpression: condition,
      ExpressionAttributeValues: values,
    });
    try {
      await retried(sleeper, () => client.send(command));
      return true;
    } catch (fault) {
      // After a lost answer this may be our own success: the caller then reads `current` and goes on from there.
      if (isConditionFailed(fault)) return false;
      throw fault;
    }
  }

  return {
    async current(category) {
      const answer = await client.send(
        new GetItemCommand({ TableName: table, Key: switchKey(category), ConsistentRead: true }),
      );
      return answer.Item === undefined ? null : parseSwitchItem(answer.Item, category);
    },

    // After a finished switch the next epoch, after an aborted one the same epoch at the next attempt.
    begin(record) {
      const attempt = attemptOf(record);
      if (attempt > 1) {
        const before = isAttempt(attempt - 1);
        return putIf(record, `stage = :aborted AND epoch = :epoch AND ${before.condition}`, {
          ':aborted': text('aborted'),
          ':epoch': number(record.epoch),
          ...before.values,
        });
      }
      const isFirst = record.epoch === firstSwitchEpoch ? 'attribute_not_exists(pk) OR ' : '';
      return putIf(record, `${isFirst}(stage = :done AND epoch = :previous)`, {
        ':done': text('done'),
        ':previous': number(record.epoch - 1),
      });
    },

    advance(record, from) {
      const same = isAttempt(attemptOf(record));
      return putIf(record, `stage = :from AND epoch = :epoch AND ${same.condition}`, {
        ':from': text(from),
        ':epoch': number(record.epoch),
        ...same.values,
      });
    },
  };
}

/** The first attempt of an epoch has no number. */
function isAttempt(attempt: number): { readonly condition: string; readonly values: Item } {
  return attempt === 1
    ? { condition: 'attribute_not_exists(attempt)', values: {} }
    : { condition: 'attempt = :attempt', values: { ':attempt': number(attempt) } };
}

export function switchKey(category: Category): Item {
  return { pk: text(`switch/${category}`), sk: text('.') };
}

function switchItem(record: SwitchRecord): Item {
  return {
    ...switchKey(record.category),
    to: text(record.to),
    epoch: number(record.epoch),
    ...(attemptOf(record) === 1 ? {} : { attempt: number(attemptOf(record)) }),
    stage: text(record.stage),
    requestedBy: text(record.requestedBy),
    startedAtMs: number(record.startedAtMs),
    ...(record.fencedAtMs === null ? {} : { fencedAtMs: number(record.fencedAtMs) }),
    ...(record.openedAtMs === null ? {} : { openedAtMs: number(record.openedAtMs) }),
    ...(record.stallMs === undefined ? {} : { stallMs: number(record.stallMs) }),
    ...(record.canaryMs === undefined ? {} : { canaryMs: number(record.canaryMs) }),
  };
}

function parseSwitchItem(item: Item, category: Category): SwitchRecord {
  return {
    category,
    to: textOf(item, 'to') as RecordOrigin,
    epoch: numberOf(item, 'epoch'),
    ...(item['attempt'] === undefined ? {} : { attempt: numberOf(item, 'attempt') }),
    stage: textOf(item, 'stage') as SwitchRecord['stage'],
    requestedBy: textOf(item, 'requestedBy'),
    startedAtMs: numberOf(item, 'startedAtMs'),
    fencedAtMs: item['fencedAtMs'] === undefined ? null : numberOf(item, 'fencedAtMs'),
    openedAtMs: item['openedAtMs'] === undefined ? null : numberOf(item, 'openedAtMs'),
    ...(item['stallMs'] === undefined ? {} : { stallMs: numberOf(item, 'stallMs') }),
    ...(item['canaryMs'] === undefined ? {} : { canaryMs: numberOf(item, 'canaryMs') }),
  };
}
