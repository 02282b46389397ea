import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeSourceObjects } from '../../../lib/aws/source-objects.ts';
import { startObjects, type TestObjects } from '../../support/fauxqs-s3.ts';

let objects: TestObjects;
beforeAll(async () => {
  objects = await startObjects();
});
afterAll(() => objects.stop());

async function put(bucket: string, name: string, text: string): Promise<void> {
  await objects.client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: text }));
}

test('an object that was replaced is not read under its old ETag, in part or as a whole', async () => {
  const bucket = await objects.createBucket();
  await put(bucket, 'a/rows.jsonl', '{"id":1}\n');
  const files = makeSourceObjects({ client: objects.client, bucket, prefix: 'a/' });
  const [file] = await files.list();
  expect(Buffer.from(await files.read(file!, 1, 4)).toString()).toBe('"id"');

  await put(bucket, 'a/rows.jsonl', '{"id":2}\n');

  await expect(files.read(file!, 1, 4)).rejects.toMatchObject({ name: 'SourceChanged' });
  await expect(files.stream(file!)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    name: 'SourceChanged',
  });
});

test('a prefix may be one object; others beside it are not its own', async () => {
  const bucket = await objects.createBucket();
  await put(bucket, 'a/one.jsonl', 'x\n');
  await put(bucket, 'a/two.jsonl', 'y\n');

  const files = makeSourceObjects({ client: objects.client, bucket, prefix: 'a/one.jsonl' });

  const [file, ...others] = await files.list();
  expect([file?.name, others]).toEqual(['one.jsonl', []]);
  expect(Buffer.from(await files.read(file!, 0, 1)).toString()).toBe('x');
});

test('a bucket that is not there and a prefix without objects are said', async () => {
  const bucket = await objects.createBucket();
  const missing = { name: 'SourceMissing' };

  await expect(
    makeSourceObjects({ client: objects.client, bucket, prefix: 'b/' }).list(),
  ).rejects.toMatchObject(missing);
  await expect(
    makeSourceObjects({ client: objects.client, bucket: 'nobody', prefix: '' }).list(),
  ).rejects.toMatchObject(missing);
});
