import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll } from 'vitest';

import { makeIndexObjects } from '../../lib/aws/index-objects.ts';
import { makeOfflineLedger } from '../../lib/aws/offline-ledger.ts';
import { makeSourceObjects } from '../../lib/aws/source-objects.ts';
import { makeOfflineFlatRecords, makeOfflineFlatWriter } from '../../lib/jsonl/flat-records.ts';
import { makeOfflineFlatSource } from '../../lib/jsonl/flat-source.ts';
import { makeLocalFiles } from '../../lib/jsonl/local-files.ts';
import { makeLocalIndexes } from '../../lib/jsonl/local-indexes.ts';
import { makeLocalLedger } from '../../lib/jsonl/local-ledger.ts';
import { makeOfflineStore, type OfflineStoreParts } from '../../lib/jsonl/offline-store.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startObjects, type TestObjects } from '../support/fauxqs-s3.ts';
import { smallFiles } from '../support/small-files.ts';
import { offlineSourceContract, type OfflineAdapter } from './offline-source.ts';

let dynamo: TestDynamo;
let objects: TestObjects;
beforeAll(async () => {
  dynamo = await startDynamo();
  objects = await startObjects();
});
afterAll(async () => {
  await dynamo.stop();
  await objects.stop();
});

async function adapterOver(
  parts: Omit<OfflineStoreParts, 'definition'>,
  replaceRows: OfflineAdapter['replaceRows'],
  directory: string,
): Promise<OfflineAdapter> {
  // Each of them a process of its own in production.
  const store = () => makeOfflineStore({ ...parts, definition: smallDefinition });
  const records = makeOfflineFlatRecords(store());
  const source = makeOfflineFlatSource(store());
  return {
    source,
    records,
    writer: makeOfflineFlatWriter(store()),
    replaceRows,
    async stop() {
      await source.close();
      records.close();
      await rm(directory, { recursive: true });
    },
  };
}

offlineSourceContract('files', async (rows) => {
  const directory = await mkdtemp(join(tmpdir(), 'hal9-files-'));
  const put: OfflineAdapter['replaceRows'] = async (present) => {
    for (const [name, text] of smallFiles(present)) await writeFile(join(directory, name), text);
  };
  await put(rows);
  const folder = join(directory, 'index');
  const parts = {
    files: makeLocalFiles(directory),
    indexes: makeLocalIndexes(folder),
    ledger: makeLocalLedger(folder),
  };
  return await adapterOver(parts, put, directory);
});

offlineSourceContract('S3', async (rows) => {
  const { client } = objects;
  const bucket = await objects.createBucket();
  const folder = await mkdtemp(join(tmpdir(), 'hal9-index-'));
  const put: OfflineAdapter['replaceRows'] = async (present) => {
    for (const [name, text] of smallFiles(present))
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: `export/${name}`,
          Body: text,
          ContentLength: Buffer.byteLength(text),
        }),
      );
  };
  await put(rows);
  const files = makeSourceObjects({ client, bucket, prefix: 'export/' });
  const { progress } = await dynamo.createTables();
  const ledger = makeOfflineLedger({ client: dynamo.client, table: progress });
  const indexes = makeIndexObjects({ client, bucket, folder });
  return await adapterOver({ files, indexes, ledger }, put, folder);
});
