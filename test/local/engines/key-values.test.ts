import {
  ConflictException,
  DeleteKeyCommand,
  DescribeKeyValueStoreCommand,
  GetKeyCommand,
  ListKeysCommand,
  PutKeyCommand,
  ResourceNotFoundException,
  UpdateKeysCommand,
  ValidationException,
} from '@aws-sdk/client-cloudfront-keyvaluestore';
import { expect, test } from 'vitest';

import { makeRouteStoreClient } from '../../../lib/aws/route-store-client.ts';
import { runEngines } from './running-engines.ts';

test('a key that was put is read by the SDK client and by the edge', async () => {
  const engines = await runEngines();
  const KvsARN = engines.keyValues.ensureStore('routes', { first: '1' });
  const client = makeRouteStoreClient();

  const before = await client.send(new DescribeKeyValueStoreCommand({ KvsARN }));
  const put = await client.send(
    new PutKeyCommand({ KvsARN, Key: 'a/b c', Value: '{"é":1}', IfMatch: before.ETag }),
  );
  const got = await client.send(new GetKeyCommand({ KvsARN, Key: 'a/b c' }));

  expect(before).toMatchObject({ ItemCount: 1, TotalSizeInBytes: 6, KvsARN, Status: 'READY' });
  expect(before.Created).toBeInstanceOf(Date);
  expect(put.ETag).not.toBe(before.ETag);
  expect(got).toMatchObject({ Key: 'a/b c', Value: '{"é":1}', ItemCount: 2 });
  expect(engines.keyValues.get('routes', 'a/b c')).toBe('{"é":1}');
});

test('an update is all or nothing and needs the latest ETag', async () => {
  const engines = await runEngines();
  const KvsARN = engines.keyValues.ensureStore('routes', { kept: 'old', gone: 'x' });
  const client = makeRouteStoreClient();
  const { ETag } = await client.send(new DescribeKeyValueStoreCommand({ KvsARN }));
  const update = (IfMatch: string | undefined, Value: string) =>
    client.send(
      new UpdateKeysCommand({
        KvsARN,
        IfMatch,
        Puts: [
          { Key: 'kept', Value: 'new' },
          { Key: 'big', Value },
        ],
        Deletes: [{ Key: 'gone' }],
      }),
    );

  await expect(update(ETag, 'x'.repeat(1025))).rejects.toThrow(ValidationException);
  const untouched = await client.send(new ListKeysCommand({ KvsARN }));
  await update(ETag, 'ok');
  const updated = await client.send(new ListKeysCommand({ KvsARN }));

  await expect(update(ETag, 'stale')).rejects.toThrow(ConflictException);
  expect(untouched.Items).toEqual([
    { Key: 'gone', Value: 'x' },
    { Key: 'kept', Value: 'old' },
  ]);
  expect(updated.Items).toEqual([
    { Key: 'big', Value: 'ok' },
    { Key: 'kept', Value: 'new' },
  ]);
});

test('a key that is not there is a ResourceNotFoundException', async () => {
  const engines = await runEngines();
  const KvsARN = engines.keyValues.ensureStore('routes', { only: '1' });
  const client = makeRouteStoreClient();
  const { ETag } = await client.send(new DescribeKeyValueStoreCommand({ KvsARN }));

  await client.send(new DeleteKeyCommand({ KvsARN, Key: 'only', IfMatch: ETag }));

  await expect(client.send(new GetKeyCommand({ KvsARN, Key: 'only' }))).rejects.toThrow(
    ResourceNotFoundException,
  );
});
