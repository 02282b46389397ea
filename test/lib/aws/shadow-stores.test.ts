import { DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, test } from 'vitest';

import { makeShadowDifferences } from '../../../lib/aws/shadow-differences.ts';
import { makeShadowQueue } from '../../../lib/aws/shadow-queue.ts';
import type { ShadowDifference } from '../../../lib/shadow/ports.ts';
import type { ShadowSample } from '../../../lib/shadow/sample.ts';

const samples = Array.from({ length: 25 }, (_, index): ShadowSample => ({
  method: 'GET',
  path: '/x',
  query: '',
  requestId: `r${index}`,
  atMs: index,
}));

test('samples are sent ten to a request', async () => {
  const client = new SQSClient({ region: 'eu-west-1' });
  const mock = mockClient(client);
  mock.on(SendMessageBatchCommand).resolves({});

  await makeShadowQueue({ client, queueUrl: 'q' }).send(samples);

  const batches = mock.commandCalls(SendMessageBatchCommand).map((call) => call.args[0].input.Entries!);
  expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
  expect(batches.flat().map((entry) => JSON.parse(entry.MessageBody!) as ShadowSample)).toEqual(samples);
});

test('samples that the queue refuses are an error that counts them', async () => {
  const client = new SQSClient({ region: 'eu-west-1' });
  mockClient(client)
    .on(SendMessageBatchCommand)
    .resolves({ Failed: [{ Id: '0', Code: 'x', SenderFault: false }] });

  await expect(makeShadowQueue({ client, queueUrl: 'q' }).send(samples)).rejects.toMatchObject({
    name: 'ShadowSamplesRefused',
    facts: { refused: 3, total: 25 },
  });
});

test('a difference is kept for seven days under the day of its request, and read back', async () => {
  const client = new DynamoDBClient({ region: 'eu-west-1' });
  const mock = mockClient(client);
  const difference: ShadowDifference = {
    requestId: 'r',
    atMs: Date.UTC(2026, 0, 31, 12),
    method: 'GET',
    path: '/x',
    differences: [],
  };
  const store = makeShadowDifferences({ client, table: 't' });
  mock.on(PutItemCommand).resolves({});

  await store.put(difference);
  const item = mock.commandCalls(PutItemCommand)[0]!.args[0].input.Item!;
  mock.on(QueryCommand, { ExpressionAttributeValues: { ':pk': item['pk']! } }).resolves({ Items: [item] });

  expect(item).toMatchObject({ ttl: { N: String(Date.UTC(2026, 1, 7, 12) / 1000) } });
  expect(await store.list('2026-01-31', 10)).toEqual([difference]);
});
