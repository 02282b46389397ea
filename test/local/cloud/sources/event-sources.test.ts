import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { DescribeStreamCommand, DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { HalError } from '../../../../lib/kernel/errors.ts';
import { startQueueEngine } from '../../../../local/cloud/queue-engine.ts';
import type { QueueEngine } from '../../../../local/cloud/queue-engine.ts';
import type { InvocationResult } from '../../../../local/cloud/lambda/invocation.ts';
import type { RunningSource } from '../../../../local/cloud/sources/deps.ts';
import { openPositions } from '../../../../local/cloud/sources/positions.ts';
import { startQueueSource } from '../../../../local/cloud/sources/queue-source.ts';
import { everyRecord, parseEventFilter } from '../../../../local/cloud/sources/event-filter.ts';
import { startTableSource } from '../../../../local/cloud/sources/table-source.ts';
import { sweepTable } from '../../../../local/cloud/sources/ttl-sweeper.ts';
import { findTableEngine, startTableEngine } from '../../../../local/cloud/table-engine.ts';
import type { TableEngine } from '../../../../local/cloud/table-engine.ts';
import type { EventSource } from '../../../../local/cloud/template/event-sources.ts';

const directory = mkdtempSync(join(tmpdir(), 'hal9-sources-'));
const settings = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

let queueEngine: QueueEngine;
let tableEngine: TableEngine;
let queues: SQSClient;
let tables: DynamoDBClient;
let tableStreams: DynamoDBStreamsClient;

beforeAll(async () => {
  queueEngine = await startQueueEngine();
  tableEngine = await startTableEngine({
    databasePath: join(directory, 'tables.sqlite'),
    logPath: join(directory, 'engine.log'),
    env: process.env,
  });
  queues = new SQSClient({ ...settings, endpoint: queueEngine.url });
  tables = new DynamoDBClient({ ...settings, endpoint: tableEngine.url });
  tableStreams = new DynamoDBStreamsClient({ ...settings, endpoint: tableEngine.url });
});

afterAll(async () => {
  await queueEngine.stop();
  await tableEngine.child?.stop();
});

const source: EventSource = {
  kind: 'queue',
  functionName: 'work',
  sourceName: 'source',
  sourceArn: 'arn:aws:sqs:us-east-1:000000000000:source',
  filter: everyRecord,
  batchSize: 10,
  batchWindowMs: 0,
  reportsItemFailures: true,
  maxConcurrency: 1,
  maxRetries: null,
  bisects: false,
  failureQueueArn: null,
};

const ignore = (): void => undefined;
const returned = (value: unknown): InvocationResult => ({
  kind: 'returned',
  payload: JSON.stringify(value) ?? 'null',
  requestId: 'r',
});
const crashed: InvocationResult = {
  kind: 'failed',
  fault: { errorType: 'Error', errorMessage: 'no', trace: [] },
  requestId: 'r',
  lost: false,
};

interface QueueEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

interface TableEvent {
  readonly Records: readonly {
    readonly eventName: string;
    readonly dynamodb: { readonly SequenceNumber: string; readonly NewImage: { pk: { S: string } } };
  }[];
}

async function createTable(name: string, client = tables): Promise<string> {
  await client.send(
    new CreateTableCommand({
      TableName: name,
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  );
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  return Table?.LatestStreamArn ?? '';
}

async function put(table: string, pk: string, more: object = {}, client = tables): Promise<void> {
  await client.send(
    new PutItemCommand({ TableName: table, Item: { pk: { S: pk }, sk: { S: '.' }, ...more } }),
  );
}

function keysOf(event: TableEvent): string[] {
  return event.Records.map((record) => record.dynamodb.NewImage.pk.S);
}

describe('a queue as event source', () => {
  it('repeats only the messages that failed, and sets poison aside', async () => {
    const dead = await queues.send(new CreateQueueCommand({ QueueName: 'dead' }));
    const redrive = { deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead', maxReceiveCount: 2 };
    const queue = await queues.send(
      new CreateQueueCommand({
        QueueName: 'work',
        Attributes: { VisibilityTimeout: '1', RedrivePolicy: JSON.stringify(redrive) },
      }),
    );
    const seen: string[] = [];
    const running = startQueueSource(source, queue.QueueUrl ?? '', queues, {
      log: ignore,
      async invoke(_name, payload) {
        const { Records } = JSON.parse(payload) as QueueEvent;
        seen.push(...Records.map((record) => record.body));
        const poison = Records.filter((record) => record.body === 'poison');
        return returned({
          batchItemFailures: poison.map(({ messageId }) => ({ itemIdentifier: messageId })),
        });
      },
    });
    const deadBodies: string[] = [];
    const deadRunning = startQueueSource({ ...source, sourceName: 'dead' }, dead.QueueUrl ?? '', queues, {
      log: ignore,
      async invoke(_name, payload) {
        deadBodies.push(...(JSON.parse(payload) as QueueEvent).Records.map((record) => record.body));
        return returned(null);
      },
    });

    for (const body of ['a', 'poison', 'b']) {
      await queues.send(new SendMessageCommand({ QueueUrl: queue.QueueUrl, MessageBody: body }));
    }
    await expect.poll(() => deadBodies, { timeout: 10_000 }).toEqual(['poison']);
    await Promise.all([running.stop(), deadRunning.stop()]);

    expect(seen.toSorted()).toEqual(['a', 'b', 'poison', 'poison']);
  });
});

describe('the stream of a table as event source', () => {
  const positions = openPositions(join(directory, 'positions.json'));
  const start = (
    streamArn: string,
    changes: Partial<EventSource>,
    invoke: (event: TableEvent) => InvocationResult,
    giveUp: (count: number) => void = ignore,
  ): RunningSource =>
    startTableSource(
      { ...source, kind: 'table', ...changes },
      {
        client: tableStreams,
        streamArn,
        positions,
        log: ignore,
        invoke: async (_name, payload) => invoke(JSON.parse(payload) as TableEvent),
        giveUp: async (records) => giveUp(records.length),
      },
    );

  it('delivers in order from the oldest record, again from the first that failed, and goes on after a restart', async () => {
    const streamArn = await createTable('ordered');
    for (const pk of ['1', '2', '3']) await put('ordered', pk);
    const seen: string[] = [];
    let failures = 1;
    const invoke = (event: TableEvent): InvocationResult => {
      seen.push(...keysOf(event));
      const [, second] = event.Records;
      if (failures-- <= 0 || second === undefined) return returned(null);
      return returned({ batchItemFailures: [{ itemIdentifier: second.dynamodb.SequenceNumber }] });
    };

    const first = start(streamArn, { functionName: 'ordered' }, invoke);
    await expect.poll(() => seen).toEqual(['1', '2', '3', '2', '3']);
    await first.stop();
    await put('ordered', '4');
    const second = start(streamArn, { functionName: 'ordered' }, invoke);
    await expect.poll(() => seen).toEqual(['1', '2', '3', '2', '3', '4']);
    await second.stop();
  });

  it('wakes nobody for what its filter leaves out, and does not look at that again', async () => {
    const streamArn = await createTable('filtered');
    const seen: string[] = [];
    const filter = parseEventFilter(['{"dynamodb":{"NewImage":{"origin":{"S":["theirs"]}}}}']) ?? everyRecord;
    const running = start(streamArn, { functionName: 'filtered', filter }, (event) => {
      seen.push(...keysOf(event));
      return returned(null);
    });
    const theirs = { origin: { S: 'theirs' } };

    await put('filtered', '1', theirs);
    await put('filtered', '2', { origin: { S: 'ours' } });
    await put('filtered', '3', theirs);
    for (const pk of ['4', '5']) await put('filtered', pk, { origin: { S: 'ours' } });

    await expect.poll(() => seen).toEqual(['1', '3']);
    const { StreamDescription } = await tableStreams.send(
      new DescribeStreamCommand({ StreamArn: streamArn }),
    );
    const shard = StreamDescription?.Shards?.[0]?.ShardId ?? '';
    await expect.poll(() => positions.get(`filtered ${shard}`)).toBe('5');
    await running.stop();
  });

  it('bisects a batch that fails as a whole and gives up what fails alone', async () => {
    const streamArn = await createTable('poisoned');
    for (const pk of ['1', 'poison', '3', '4']) await put('poisoned', pk);
    const done: string[] = [];
    let given = 0;

    const running = start(
      streamArn,
      { functionName: 'poisoned', bisects: true, maxRetries: 2 },
      (event) => {
        if (keysOf(event).includes('poison')) return crashed;
        done.push(...keysOf(event));
        return returned(null);
      },
      (count) => (given += count),
    );
    await expect.poll(() => done, { timeout: 5_000 }).toEqual(['1', '3', '4']);
    await running.stop();

    expect(given).toBe(1);
  });
});

describe('a table engine that is killed', () => {
  it('keeps its items and the place in its streams', async () => {
    const positions = openPositions(join(directory, 'killed.json'));
    const options = {
      databasePath: join(directory, 'killed.sqlite'),
      logPath: join(directory, 'killed.log'),
      env: process.env,
    };
    const seen: string[] = [];
    const follow = (engine: TableEngine, streamArn: string): RunningSource =>
      startTableSource(
        { ...source, kind: 'table', functionName: 'follow' },
        {
          client: new DynamoDBStreamsClient({ ...settings, endpoint: engine.url }),
          streamArn,
          positions,
          log: ignore,
          giveUp: async () => undefined,
          async invoke(_name, payload) {
            seen.push(...keysOf(JSON.parse(payload) as TableEvent));
            return returned(null);
          },
        },
      );
    const first = await startTableEngine(options);
    const firstClient = new DynamoDBClient({ ...settings, endpoint: first.url });
    const streamArn = await createTable('killed', firstClient);
    await put('killed', 'before', {}, firstClient);
    const following = follow(first, streamArn);
    await expect.poll(() => seen).toEqual(['before']);
    await following.stop();
    await put('killed', 'unseen', {}, firstClient);

    process.kill(-(first.child?.identity.pid ?? 0), 'SIGKILL');
    await first.child?.ended;
    const second = await startTableEngine(options);
    const secondClient = new DynamoDBClient({ ...settings, endpoint: second.url });
    await put('killed', 'after', {}, secondClient);
    const again = follow(second, streamArn);

    await expect.poll(() => seen).toEqual(['before', 'unseen', 'after']);
    await again.stop();
    await second.child?.stop();
  });

  it('is missed by name when it is not installed', () => {
    expect(() => findTableEngine('/nowhere', '@dynoxide/of-no-platform')).toThrow(HalError);
    expect(() => findTableEngine('/nowhere', '@dynoxide/of-no-platform')).toThrow(/npm ci|dynoxide/);
  });
});

describe('expiry of items', () => {
  it('deletes what has expired and keeps the rest', async () => {
    await createTable('expiring');
    await put('expiring', 'past', { ttl: { N: '100' } });
    await put('expiring', 'future', { ttl: { N: '9999999999' } });
    await put('expiring', 'never');

    const deleted = await sweepTable(
      { name: 'expiring', keyNames: ['pk', 'sk'], ttlAttribute: 'ttl' },
      tables,
      1_000,
    );

    const { Items } = await tables.send(new ScanCommand({ TableName: 'expiring' }));
    expect(deleted).toBe(1);
    expect(Items?.map((item) => item['pk']?.S).toSorted()).toEqual(['future', 'never']);
  });
});
