import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';

import { realSleeper } from '../aws/backoff.ts';
import { clientDefaults, engineAt } from '../aws/clients.ts';
import type { FlatWriter } from '../migration/backup/ports.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { FlatSource } from '../migration/ports.ts';
import { makeDynamoFlatRecords, type DynamoFlatRecords } from './flat-records.ts';
import { makeDynamoFlatSource } from './flat-source.ts';
import { makeFlatStore, type FlatStore } from './flat-store.ts';
import { makeDynamoFlatWriter } from './flat-writer.ts';

/** Where the tables of a flat store are. */
export interface TablesTarget {
  readonly prefix: string;
  /** An engine that stands in for DynamoDB; AWS, or what the environment names, without one. */
  readonly endpoint?: string | undefined;
}

export function openTables(target: TablesTarget, definition: MigrationDefinition): FlatStore {
  const { prefix, endpoint } = target;
  const settings = { ...clientDefaults(), ...(endpoint === undefined ? {} : engineAt(endpoint)) };
  return makeFlatStore({
    client: new DynamoDBClient(settings),
    streams: new DynamoDBStreamsClient(settings),
    prefix,
    definition,
    clock: { nowMs: () => Date.now() },
    sleeper: realSleeper,
  });
}

export function openDynamoSource(target: TablesTarget, definition: MigrationDefinition): FlatSource {
  return makeDynamoFlatSource(openTables(target, definition));
}

export function openDynamoWriter(target: TablesTarget, definition: MigrationDefinition): FlatWriter {
  return makeDynamoFlatWriter(openTables(target, definition));
}

export function openDynamoRecords(target: TablesTarget, definition: MigrationDefinition): DynamoFlatRecords {
  return makeDynamoFlatRecords(openTables(target, definition));
}
