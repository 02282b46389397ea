import { randomBytes } from 'node:crypto';

import {
  CreateTableCommand,
  type DynamoDBClient,
  type StreamViewType,
  type AttributeDefinition,
} from '@aws-sdk/client-dynamodb';

import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeFlatStore, type FlatStore, type FlatStoreParts } from '../../lib/dynamodb/flat-store.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type { TestDynamo } from './dynoxide.ts';

/** Fresh tables of a definition under a prefix of their own, as a flat system would have made them. */
export async function createFlatTables(
  client: DynamoDBClient,
  definition: MigrationDefinition,
  without: readonly string[] = [],
  streamView: StreamViewType | null = 'NEW_AND_OLD_IMAGES',
): Promise<string> {
  const prefix = `flat-${randomBytes(4).toString('hex')}-`;
  const tables = definition.tables.filter(({ table }) => !without.includes(table));
  await Promise.all(
    tables.map(({ table, keyColumns, columns }) => {
      const types = keyColumns.map((name): AttributeDefinition => {
        const isInteger = columns.find((column) => column.name === name)?.storage === 'integer';
        return { AttributeName: name, AttributeType: isInteger ? 'N' : 'S' };
      });
      return client.send(
        new CreateTableCommand({
          TableName: `${prefix}${table}`,
          AttributeDefinitions: types,
          KeySchema: keyColumns.map((name, at) => ({
            AttributeName: name,
            KeyType: at === 0 ? 'HASH' : 'RANGE',
          })),
          BillingMode: 'PAY_PER_REQUEST',
          ...(streamView === null
            ? {}
            : { StreamSpecification: { StreamEnabled: true, StreamViewType: streamView } }),
        }),
      );
    }),
  );
  return prefix;
}

/** A store over such tables with clients that belong to the engine. */
export function flatStoreOf(
  dynamo: Pick<TestDynamo, 'client' | 'streams'>,
  prefix: string,
  definition: MigrationDefinition,
  other: Partial<FlatStoreParts> = {},
): FlatStore {
  return makeFlatStore({
    client: dynamo.client,
    streams: dynamo.streams,
    prefix,
    definition,
    clock: { nowMs: () => Date.now() },
    sleeper: realSleeper,
    ...other,
  });
}
