import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { openDataDirectory } from '../../../local/cloud/data-directory.ts';
import { ensureFlatStore } from '../../../local/cloud/flat-store.ts';
import { startObjects } from '../../support/fauxqs-s3.ts';

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hal9-files-'));
  folder = join(root, 'export');
  mkdirSync(folder);
  for (const { table } of hal9Definition.tables) writeFileSync(join(folder, `${table}.jsonl`), '');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

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

test('a folder is used where it is, and again when no source is named', async () => {
  const config = await use(folder);

  expect(config).toEqual({
    kind: 'jsonl',
    path: folder,
    keeping: { folder: join(root, 'data', 'source-index') },
  });
  expect(said.at(-1)).toContain(`in the files of ${folder}`);
  expect(await use(undefined)).toEqual(config);
});

test('a data directory that was started with it takes no other store, and the other way round', async () => {
  await use(folder);
  const other = join(root, 'other.jsonl');
  writeFileSync(other, '');

  await expect(use(other)).rejects.toMatchObject({ name: 'DataDirHoldsOtherStore' });
  await expect(use(join(root, 'flat.sqlite'))).rejects.toMatchObject({ name: 'DataDirHoldsOtherStore' });
});

test('what is wrong with it is said with file and line, and leaves nothing behind', async () => {
  const [table] = hal9Definition.tables;
  writeFileSync(join(folder, `${table!.table}.jsonl`), '{"id":\n');

  await expect(use(folder)).rejects.toMatchObject({
    name: 'SourceRejected',
    message: expect.stringContaining(`${table!.table}.jsonl:1: `) as string,
  });

  expect(existsSync(join(root, 'data', 'flat-origin.json'))).toBe(false);
});

test('objects are used where they are, in the engine that is named, and again when no source is named', async () => {
  const objects = await startObjects();
  const bucket = await objects.createBucket();
  for (const { table } of hal9Definition.tables)
    await objects.client.send(
      new PutObjectCommand({ Bucket: bucket, Key: `export/${table}.jsonl`, Body: '' }),
    );

  const config = await use(`s3://${bucket}/export/?endpoint=${objects.endpoint}`);

  expect(config).toEqual({
    kind: 'jsonl',
    path: `s3://${bucket}/export/`,
    endpoint: objects.endpoint,
    keeping: { folder: join(root, 'data', 'source-index') },
  });
  expect(said.at(-1)).toContain(`in the files of s3://${bucket}/export/`);
  expect(await use(undefined)).toEqual(config);
  await objects.stop();
});

test('objects in no engine are refused with the ways to bring them', async () => {
  await expect(use('s3://bucket/export/')).rejects.toMatchObject({
    name: 'SourceMissing',
    remedy: expect.stringMatching(/endpoint=.*aws s3 sync s3:\/\/bucket\/export\/ /) as string,
  });
  await expect(use('s3://B/export/')).rejects.toMatchObject({ name: 'SourceUrlInvalid' });
});
