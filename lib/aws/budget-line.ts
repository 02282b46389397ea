import { UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { mostWaitMs, type BudgetLine } from '../migration/write-budget.ts';
import { number, numberOf, text, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { retried } from './retried.ts';

const lineKey: Item = { pk: text('budget'), sk: text('.') };

/**
 * The line is one number in the progress table: from when on it is free. A busy line is taken by one addition, an
 * idle one by one assignment, each under the condition that it still is what it was held for.
 */
export function makeBudgetLine(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): BudgetLine {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  /** The end of our span; null when the condition failed. */
  async function take(update: string, condition: string, values: Item): Promise<number | null> {
    const command = new UpdateItemCommand({
      TableName: table,
      Key: lineKey,
      UpdateExpression: update,
      ConditionExpression: condition,
      ExpressionAttributeValues: values,
      ReturnValues: 'UPDATED_NEW',
    });
    try {
      // A repetition after a lost answer takes a second span: the first is wasted, which breaks no budget.
      const { Attributes = {} } = await retried(sleeper, () => client.send(command));
      return numberOf(Attributes, 'freeFromMs');
    } catch (fault) {
      if (isConditionFailed(fault)) return null;
      throw fault;
    }
  }

  return {
    async reserve(nowMs, spanMs) {
      const far = { ':now': number(nowMs), ':far': number(nowMs + mostWaitMs) };
      for (;;) {
        const busy = await take('ADD freeFromMs :span', 'freeFromMs BETWEEN :now AND :far', {
          ...far,
          ':span': number(spanMs),
        });
        if (busy !== null) return busy - spanMs;
        const idle = await take(
          'SET freeFromMs = :end',
          'attribute_not_exists(pk) OR freeFromMs < :now OR freeFromMs > :far',
          { ...far, ':end': number(nowMs + spanMs) },
        );
        if (idle !== null) return nowMs;
      }
    },
  };
}
