import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  type DynamoDBClient,
  type PutItemCommandInput,
} from '@aws-sdk/client-dynamodb';

import type { RunStore } from '../orchestrator/ports.ts';
import { isActive, type RunRecord } from '../orchestrator/run.ts';
import { flag, number, text, textOf, type Item } from './attributes.ts';

export interface RunStoreDeps {
  readonly client: DynamoDBClient;
  readonly table: string;
}

const currentKey: Item = { pk: text('run'), sk: text('.') };

/**
 * One item for the run that is (or was last) under way, and a copy of each run that ended before it. The conditions
 * look at attributes beside the record, which itself is one JSON text.
 */
export function makeRunStore({ client, table }: RunStoreDeps): RunStore {
  async function put(
    run: RunRecord,
    condition: Pick<PutItemCommandInput, 'ConditionExpression' | 'ExpressionAttributeValues'>,
  ): Promise<boolean> {
    const Item = { ...currentKey, ...runItem(run) };
    try {
      await client.send(
        new PutItemCommand({
          TableName: table,
          Item,
          ...condition,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return true;
    } catch (fault) {
      if (!(fault instanceof ConditionalCheckFailedException)) throw fault;
      // The SDK repeats a request whose answer was lost; then the condition fails on our own success.
      return fault.Item?.['record']?.S === Item['record']?.S;
    }
  }

  async function archive(run: RunRecord): Promise<void> {
    const Item = { pk: text(`run/${run.runId}`), sk: text('.'), ...runItem(run) };
    await client.send(new PutItemCommand({ TableName: table, Item }));
  }

  return {
    async current() {
      const answer = await client.send(
        new GetItemCommand({ TableName: table, Key: currentKey, ConsistentRead: true }),
      );
      return answer.Item === undefined ? null : (JSON.parse(textOf(answer.Item, 'record')) as RunRecord);
    },

    async start(run, replaced) {
      if (replaced === null) return put(run, { ConditionExpression: 'attribute_not_exists(pk)' });
      if (isActive(replaced)) return false;
      if (replaced.runId !== run.runId) await archive(replaced);
      return put(run, unchanged(replaced));
    },

    async update(previous, next) {
      const updated = { ...next, revision: previous.revision + 1 };
      return (await put(updated, unchanged(previous))) ? updated : null;
    },
  };
}

/** The law of this store: who holds an older epoch or revision than the record has changes nothing. */
function unchanged(run: RunRecord) {
  return {
    ConditionExpression: 'runId = :runId AND routingEpoch = :routingEpoch AND revision = :revision',
    ExpressionAttributeValues: {
      ':runId': text(run.runId),
      ':routingEpoch': number(run.routingEpoch),
      ':revision': number(run.revision),
    },
  };
}

function runItem(run: RunRecord): Item {
  return {
    runId: text(run.runId),
    routingEpoch: number(run.routingEpoch),
    revision: number(run.revision),
    active: flag(isActive(run)),
    record: text(JSON.stringify(run)),
  };
}
