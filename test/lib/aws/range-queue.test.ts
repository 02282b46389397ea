import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeRangeQueue } from '../../../lib/aws/range-queue.ts';
import { startQueues, type TestQueues } from '../../support/fauxqs.ts';

let queues: TestQueues;

beforeAll(async () => {
  queues = await startQueues();
});

afterAll(() => queues.stop());

test('a queue of ranges tells whether one still waits for a worker', async () => {
  const queueUrl = await queues.createQueue('ranges');
  const queue = makeRangeQueue({ client: queues.client, queueUrl });
  const range = { after: null, upTo: null };
  const empty = await queue.hasWaiting();

  await queue.send([
    { runId: 'run', rangeId: 'run/session/1', category: 'user-sessions', recordType: 'session', range },
  ]);
  const sent = await queue.hasWaiting();
  const { Messages = [] } = await queues.client.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, VisibilityTimeout: 60 }),
  );
  const beingWorkedOn = await queue.hasWaiting();
  await queues.client.send(
    new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle }),
  );

  expect({ empty, sent, beingWorkedOn }).toEqual({ empty: false, sent: true, beingWorkedOn: false });
});
