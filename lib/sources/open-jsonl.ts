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
import { makeLocalLedger } from '../jsonl/local-ledger.ts';
import { makeOfflineStore, type OfflineStore, type OfflineStoreParts } from '../jsonl/offline-store.ts';
import type { SourceFiles } from '../jsonl/ports.ts';
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
  return makeOfflineStore({ files: openSourceFiles(config), ...memoryOf(config), definition });
}

/** The files of a folder, or the objects below a prefix. */
export function openSourceFiles(config: JsonlConfig): SourceFiles {
  const objects = objectsOf(config);
  return objects === null
    ? makeLocalFiles(config.path)
    : makeSourceObjects({ client: makeS3Client({ engine: config.endpoint }), ...objects });
}

function memoryOf({ keeping }: JsonlConfig): Pick<OfflineStoreParts, 'indexes' | 'ledger'> {
  if (keeping === undefined) throw new TypeError('files are opened with a place to remember them in');
  if ('folder' in keeping)
    return { indexes: makeLocalIndexes(keeping.folder), ledger: makeLocalLedger(keeping.folder) };
  const folder = join(tmpdir(), 'hal9-source-index');
  return {
    indexes: makeIndexObjects({ client: makeS3Client(), bucket: keeping.bucket, folder }),
    ledger: makeOfflineLedger({ client: makeDynamoClient(), table: keeping.table }),
  };
}
