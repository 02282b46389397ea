import { randomUUID } from 'node:crypto';

import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { MigrationIdentity } from '../migration/transfer/ports.ts';
import { text, textOf } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { putIfAbsent } from './put-if-absent.ts';
import { retried } from './retried.ts';

const key = { pk: text('migration-identity'), sk: text('.') };

/** One item of the progress table; whoever asks first makes it. */
export function makeMigrationIdentity(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): MigrationIdentity {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function read(): Promise<string | null> {
    const command = new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true });
    const { Item } = await retried(sleeper, () => client.send(command));
    return Item === undefined ? null : textOf(Item, 'id');
  }

  return {
    async id() {
      const present = await read();
      if (present !== null) return present;
      const made = randomUUID();
      await putIfAbsent({ client, table, sleeper }, [{ ...key, id: text(made) }]);
      return (await read()) ?? made;
    },
  };
}
