import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startQueueEngine } from '../../../local/cloud/queue-engine.ts';
import type { QueueEngine } from '../../../local/cloud/queue-engine.ts';

let engine: QueueEngine;
let client: SQSClient;
let QueueUrl: string;

beforeAll(async () => {
  engine = await startQueueEngine();
  client = new SQSClient({
    region: 'us-east-1',
    endpoint: engine.url,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const queue = await client.send(new CreateQueueCommand({ QueueName: 'characters' }));
  QueueUrl = queue.QueueUrl ?? '';
});

afterAll(async () => {
  await engine.stop();
});

describe('the queue engine', () => {
  it('listens on the loopback and knows its queues by the URLs that the templates resolve to', async () => {
    const ours = engine.queueUrl('characters');

    await client.send(new SendMessageCommand({ QueueUrl: ours, MessageBody: 'by our URL' }));

    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map((message) => message.Body)).toEqual(['by our URL']);
    expect(new URL(ours).hostname).toBe('127.0.0.1');
  });

  it.each(['plain', 'ünï', '語', '😀 beyond the basic plane'])('takes %s as SQS does', async (body) => {
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));

    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map((message) => message.Body)).toEqual([body]);
  });

  it.each(['\u0000', '\u001F', '\uFFFF'])('refuses %j as SQS does', async (body) => {
    await expect(client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }))).rejects.toThrow(
      /[Ii]nvalid/,
    );
  });
});
