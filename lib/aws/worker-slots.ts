import {
  QueryCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { SlotReport, WorkerReport, WorkerSlots } from '../migration/worker-report.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { retried } from './retried.ts';

const partition = text('workers');

/** One item per slot under one partition key of the progress table; there are never more than slots. */
export function makeWorkerSlots(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): WorkerSlots {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function query(): Promise<readonly Item[]> {
    const found: Item[] = [];
    let after: Item | undefined;
    do {
      const answer = await retried(sleeper, () =>
        client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': partition },
            ConsistentRead: true,
            ExclusiveStartKey: after,
          }),
        ),
      );
      found.push(...(answer.Items ?? []));
      after = answer.LastEvaluatedKey;
    } while (after !== undefined);
    return found;
  }

  async function update(
    slot: number,
    input: Pick<
      UpdateItemCommandInput,
      'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeValues'
    >,
  ): Promise<boolean> {
    const command = new UpdateItemCommand({
      TableName: table,
      Key: { pk: partition, sk: text(slotName(slot)) },
      ...input,
    });
    try {
      await retried(sleeper, () => client.send(command));
      return true;
    } catch (fault) {
      if (isConditionFailed(fault)) return false;
      throw fault;
    }
  }

  const takeOne = (
    slot: number,
    owner: string,
    times: { nowMs: number; leaseMs: number },
  ): Promise<boolean> =>
    update(slot, {
      UpdateExpression: 'SET heldBy = :owner, untilMs = :until',
      ConditionExpression: 'attribute_not_exists(heldBy) OR heldBy = :owner OR untilMs <= :now',
      ExpressionAttributeValues: {
        ':owner': text(owner),
        ':until': number(times.nowMs + times.leaseMs),
        ':now': number(times.nowMs),
      },
    });

  return {
    async take(owner, slotCount, nowMs, leaseMs) {
      const held = (await query()).filter(
        (item) => item['heldBy'] !== undefined && numberOf(item, 'untilMs') > nowMs,
      );
      const busy = new Set(
        held.filter((item) => item['heldBy']?.S !== owner).map((item) => textOf(item, 'sk')),
      );
      for (let slot = 0; slot < slotCount; slot += 1) {
        if (busy.has(slotName(slot))) continue;
        if (await takeOne(slot, owner, { nowMs, leaseMs })) return slot;
      }
      return null;
    },

    report: (slot, owner, report, leaseMs) =>
      update(slot, {
        UpdateExpression:
          'SET report = :report, reportedBy = :owner, untilMs = :until ADD totalWriteUnits :units',
        ConditionExpression: 'heldBy = :owner',
        ExpressionAttributeValues: {
          ':report': text(JSON.stringify(report)),
          ':owner': text(owner),
          ':until': number(report.atMs + leaseMs),
          ':units': number(report.writeUnits),
        },
      }),

    async leave(slot, owner) {
      await update(slot, {
        UpdateExpression: 'REMOVE heldBy',
        ConditionExpression: 'heldBy = :owner',
        ExpressionAttributeValues: { ':owner': text(owner) },
      });
    },

    async list() {
      return (await query()).flatMap((item): WorkerReport[] => {
        if (item['report'] === undefined) return [];
        const report = JSON.parse(textOf(item, 'report')) as SlotReport;
        const totalWriteUnits = numberOf(item, 'totalWriteUnits');
        const owner = textOf(item, 'reportedBy');
        return [{ ...report, slot: Number(textOf(item, 'sk')), owner, totalWriteUnits }];
      });
    },
  };
}

function slotName(slot: number): string {
  return String(slot).padStart(4, '0');
}
