import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import {
  applyChange,
  defaultSettings,
  type MigrationSettings,
  type SettingsChange,
  type SettingsStore,
} from '../migration/settings.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';
import { backoffMs, realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { retried } from './retried.ts';

const settingsKey: Item = { pk: text('settings'), sk: text('.') };
const mostAttempts = 10;

/** One item of the progress table; operators who change it at the same moment lose nothing of each other. */
export function makeSettingsStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): SettingsStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function read(): Promise<{ settings: MigrationSettings; revision: number }> {
    const { Item } = await retried(sleeper, () =>
      client.send(new GetItemCommand({ TableName: table, Key: settingsKey, ConsistentRead: true })),
    );
    if (Item === undefined) return { settings: defaultSettings, revision: 0 };
    const changed = JSON.parse(textOf(Item, 'settings')) as SettingsChange;
    return { settings: applyChange(defaultSettings, changed), revision: numberOf(Item, 'revision') };
  }

  return {
    read: async () => (await read()).settings,

    async change(change) {
      for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
        if (attempt > 0) await sleeper.sleep(backoffMs(attempt - 1));
        const { settings: before, revision } = await read();
        const after = applyChange(before, change);
        const Item = {
          ...settingsKey,
          settings: text(JSON.stringify(after)),
          revision: number(revision + 1),
        };
        try {
          await client.send(
            new PutItemCommand({
              TableName: table,
              Item,
              ConditionExpression: 'attribute_not_exists(pk) OR revision = :revision',
              ExpressionAttributeValues: { ':revision': number(revision) },
            }),
          );
          return { before, after };
        } catch (fault) {
          if (!isConditionFailed(fault)) throw fault;
        }
      }
      throw new HalError({
        name: 'SettingsContended',
        message: `The settings were changed by others ${mostAttempts} times in a row.`,
        remedy: 'Repeat the command.',
        exit: 'conflict',
      });
    },
  };
}
