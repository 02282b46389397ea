import {
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordCommand,
  PutRecordsCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-kinesis';
import { expect, test, vi } from 'vitest';

import type { StreamRecord } from '../../../local/engines/ports.ts';
import { runEngines } from './running-engines.ts';

const textOf = (record: StreamRecord): string => Buffer.from(record.data).toString('utf8');

test('records put by the SDK client reach the subscriber in order and in batches', async () => {
  const engines = await runEngines();
  engines.streams.ensureStream('outcomes');
  const batches: string[][] = [];
  engines.streams.subscribe('outcomes', {
    batchSize: 2,
    onRecords: (records) => Promise.resolve(void batches.push(records.map(textOf))),
  });
  const client = new KinesisClient();
  const StreamName = 'outcomes';

  await client.send(new PutRecordCommand({ StreamName, PartitionKey: 'p', Data: Buffer.from('1') }));
  const put = await client.send(
    new PutRecordsCommand({
      StreamName,
      Records: ['2', '3', '4'].map((text) => ({ PartitionKey: 'p', Data: Buffer.from(text) })),
    }),
  );
  await vi.waitFor(() => expect(batches.flat()).toEqual(['1', '2', '3', '4']));
  client.destroy();

  expect(put.FailedRecordCount).toBe(0);
  expect(batches.every((batch) => batch.length <= 2)).toBe(true);
});

test('a batch that fails is delivered again, and dropped with a report when it never succeeds', async () => {
  const engines = await runEngines();
  engines.streams.ensureStream('outcomes');
  const seen: string[] = [];
  engines.streams.subscribe('outcomes', {
    batchSize: 1,
    maxAttempts: 2,
    async onRecords(records) {
      seen.push(...records.map(textOf));
      await Promise.resolve();
      if (seen.length === 1 || records.map(textOf).includes('poison')) {
        throw new Error('not now');
      }
    },
  });

  engines.streams.put('outcomes', 'p', Buffer.from('first'));
  engines.streams.put('outcomes', 'p', Buffer.from('poison'));
  engines.streams.put('outcomes', 'p', Buffer.from('last'));
  await vi.waitFor(() => expect(seen.at(-1)).toBe('last'));

  expect(seen).toEqual(['first', 'first', 'poison', 'poison', 'last']);
  expect(engines.faults).toHaveLength(1);
});

test('injected loss takes its share of the records and no more', async () => {
  const engines = await runEngines();
  engines.streams.ensureStream('outcomes');
  let delivered = 0;
  engines.streams.subscribe('outcomes', {
    batchSize: 100,
    onRecords: (records) => Promise.resolve(void (delivered += records.length)),
  });
  engines.streams.lose('outcomes', 0.25);

  for (let count = 0; count < 100; count += 1) {
    engines.streams.put('outcomes', 'p', Buffer.from('x'));
  }

  await vi.waitFor(() => expect(delivered).toBe(75));
});

test('a stream that does not exist is a ResourceNotFoundException', async () => {
  await runEngines();
  const client = new KinesisClient();

  await expect(client.send(new DescribeStreamSummaryCommand({ StreamName: 'none' }))).rejects.toThrow(
    ResourceNotFoundException,
  );
  client.destroy();
});
