import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeDynamoClient, makeS3Client } from '../aws/clients.ts';
import { makeIndexObjects } from '../aws/index-objects.ts';
import { makeOfflineLedger } from '../aws/offline-ledger.ts';
import { makeSourceObjects } from '../aws/source-objects.ts';
import { objectsOf, type JsonlConfig } from '../config/source-config.ts';
import type { FlatRecords } from '../gateway/ports.ts';
import { makeOfflineFlatRecords, makeOfflineFlatWriter } from '../jsonl/flat-records.ts';
import { makeOfflineFlatSource } from '../jsonl/flat-source.ts';
import { makeLocalFiles } from '../jsonl/local-files.ts';
import { makeLocalIndexes } from '../jsonl/local-indexes.ts';
import { makeOfflineStore, type OfflineStore } from '../jsonl/offline-store.ts';
import type { IndexStore, SourceFiles } from '../jsonl/ports.ts';
import type { FlatWriter } from '../migration/backup/ports.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { FlatSource } from '../migration/ports.ts';

export function openJsonlSource(config: JsonlConfig, definition: MigrationDefinition): FlatSource {
  return makeOfflineFlatSource(openStore(config, definition));
}

export function openJsonlWriter(config: JsonlConfig, definition: MigrationDefinition): FlatWriter {
  return makeOfflineFlatWriter(openStore(config, definition));
}

export function openJsonlRecords(
  config: JsonlConfig,
  definition: MigrationDefinition,
): FlatRecords & { close(): void } {
  return makeOfflineFlatRecords(openStore(config, definition));
}

function openStore(config: JsonlConfig, definition: MigrationDefinition): OfflineStore {
  const table = config.keeping?.table;
  if (table === undefined)
    throw new TypeError('a source of files is opened with a table to remember them in');
  return makeOfflineStore({
    files: filesOf(config),
    indexes: indexesOf(config),
    ledger: makeOfflineLedger({ client: makeDynamoClient(), table }),
    definition,
  });
}

function filesOf(config: JsonlConfig): SourceFiles {
  const objects = objectsOf(config);
  return objects === null
    ? makeLocalFiles(config.path)
    : makeSourceObjects({ client: makeS3Client(), ...objects });
}

function indexesOf({ keeping }: JsonlConfig): IndexStore {
  const folder = keeping?.folder ?? join(tmpdir(), 'hal9-source-index');
  return keeping?.bucket === undefined
    ? makeLocalIndexes(folder)
    : makeIndexObjects({ client: makeS3Client(), bucket: keeping.bucket, folder });
}
