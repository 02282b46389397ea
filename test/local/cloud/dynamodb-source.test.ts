import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { makeDynamoFlatSource } from '../../../lib/dynamodb/flat-source.ts';
import { hal9Migration } from '../../../lib/migration/hal9-definition.ts';
import { inMapping } from '../../../lib/migration/source-mapping.ts';
import { openDataDirectory } from '../../../local/cloud/data-directory.ts';
import { ensureFlatStore } from '../../../local/cloud/flat-store.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';
import { createFlatTables, flatStoreOf } from '../../support/flat-tables.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hal9-tables-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const serverTables = inMapping(hal9Migration, 'server');
const said: string[] = [];

async function use(source: string | undefined): Promise<unknown> {
  const directory = openDataDirectory(join(root, 'data'));
  return await ensureFlatStore(
    directory,
    source,
    () => undefined,
    (line) => said.push(line),
  );
}

const urlOf = (prefix: string): string => `dynamodb://${prefix}?endpoint=${dynamo.endpoint}`;

test('tables are used where they are, and again when no source is named', async () => {
  const prefix = await createFlatTables(dynamo.client, serverTables);

  const config = await use(urlOf(prefix));

  expect(config).toEqual({ kind: 'dynamodb', prefix, endpoint: dynamo.endpoint });
  expect(said.at(-1)).toContain('server schema');
  expect(await use(undefined)).toEqual(config);
  await expect(use(urlOf('other-'))).rejects.toMatchObject({ name: 'DataDirHoldsOtherStore' });
});

test('what keeps them from being migrated is said at once', async () => {
  const silent = await createFlatTables(dynamo.client, serverTables, [], null);

  await expect(use(urlOf(silent))).rejects.toMatchObject({ name: 'StreamUnsuitable' });
  await expect(use(urlOf('nowhere-'))).rejects.toMatchObject({ name: 'SourceRejected' });
  await expect(use('dynamodb://shop-')).rejects.toMatchObject({ name: 'SourceMissing' });
  await expect(use('dynamodb://a/b')).rejects.toMatchObject({ name: 'SourceUrlInvalid' });
});

test('tables that another migration has taken over are left to it; what is left of an ended one is dropped', async () => {
  const prefix = await createFlatTables(dynamo.client, serverTables);
  const earlier = makeDynamoFlatSource(flatStoreOf(dynamo, prefix, hal9Migration));
  await earlier.installChangeLog();
  await earlier.fence('user-sessions', 1);

  await expect(use(urlOf(prefix))).rejects.toMatchObject({ name: 'SourceBelongsElsewhere' });
  await earlier.unfence('user-sessions', 1);
  await use(urlOf(prefix));

  expect(await earlier.isChangeLogInstalled()).toBe(false);
});
