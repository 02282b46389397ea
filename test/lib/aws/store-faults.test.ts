import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  ThrottlingException,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, test } from 'vitest';

import { makeAuthorityStore } from '../../../lib/aws/authority-store.ts';
import { makeHierarchicalRecords } from '../../../lib/aws/hierarchical-records.ts';
import { makeRangeQueue } from '../../../lib/aws/range-queue.ts';
import { makeRelayStore } from '../../../lib/aws/relay-store.ts';
import { marshalRecord } from '../../../lib/aws/state-item.ts';
import { makeTargetStore } from '../../../lib/aws/target-store.ts';
import { groupCount } from '../../../lib/migration/bucket.ts';
import { recordPk } from '../../../lib/migration/key.ts';
import type { RangeTask } from '../../../lib/migration/ports.ts';
import { aRecord, lostReply, noSleep } from '../../support/state-records.ts';

/** What neither local engine ever does: throttle, conflict, leave a batch half done, lose an answer. */

const client = new DynamoDBClient({ region: 'us-east-1' });
const dynamo = mockClient(client);
const sqsClient = new SQSClient({ region: 'us-east-1' });
const sqs = mockClient(sqsClient);

afterEach(() => {
  dynamo.reset();
  sqs.reset();
});

function cancelled(reasons: readonly { Code: string; Item?: ReturnType<typeof marshalRecord> }[]) {
  return new TransactionCanceledException({
    message: 'cancelled',
    $metadata: { httpStatusCode: 400 },
    CancellationReasons: [...reasons],
  });
}

function task(rangeId: string): RangeTask {
  const range = { after: null, upTo: null };
  return { runId: 'run', rangeId, category: 'metadata', recordType: 'metadata', range };
}

const conditionFailed = (): ConditionalCheckFailedException =>
  new ConditionalCheckFailedException({ message: 'no', $metadata: { httpStatusCode: 400 } });

describe('backfill writes', () => {
  const target = makeTargetStore({ client, table: 'state', sleeper: noSleep });

  test('only the throttled statements of a batch are sent again', async () => {
    dynamo
      .on(BatchExecuteStatementCommand)
      .resolvesOnce({
        Responses: [{}, { Error: { Code: 'ThrottlingError' } }, { Error: { Code: 'DuplicateItem' } }],
      })
      .resolvesOnce({ Responses: [{}] });

    const outcomes = await target.insertIfAbsent([
      aRecord({ id: 'a' }),
      aRecord({ id: 'b' }),
      aRecord({ id: 'c' }),
    ]);

    expect(outcomes).toEqual(['written', 'written', 'kept-newer']);
    const [, second] = dynamo.commandCalls(BatchExecuteStatementCommand);
    expect(second?.args[0].input.Statements).toHaveLength(1);
    expect(second?.args[0].input.Statements?.[0]?.Parameters).toContainEqual({ S: 'session/b' });
  });

  test('a statement without an answer counts as not done', async () => {
    dynamo
      .on(BatchExecuteStatementCommand)
      .resolvesOnce({ Responses: [{}] })
      .resolvesOnce({ Responses: [{ Error: { Code: 'DuplicateItem' } }] });

    const outcomes = await target.insertIfAbsent([aRecord({ id: 'a' }), aRecord({ id: 'b' })]);

    expect(outcomes).toEqual(['written', 'kept-newer']);
  });

  test('a statement that is refused for good stops the batch and names the key', async () => {
    dynamo
      .on(BatchExecuteStatementCommand)
      .resolves({ Responses: [{ Error: { Code: 'ValidationError', Message: 'too large' } }] });

    await expect(target.insertIfAbsent([aRecord({ id: 'a' })])).rejects.toMatchObject({
      name: 'StoreRefusedItem',
      facts: { pk: 'session/a', code: 'ValidationError' },
    });
  });

  test('throttling without end becomes an error that says so', async () => {
    dynamo
      .on(BatchExecuteStatementCommand)
      .resolves({ Responses: [{ Error: { Code: 'ProvisionedThroughputExceeded' } }] });

    await expect(target.insertIfAbsent([aRecord()])).rejects.toMatchObject({ name: 'StoreThrottled' });
  });
});

describe('live writes', () => {
  const target = makeTargetStore({ client, table: 'state', sleeper: noSleep });

  test('a put whose answer was lost succeeds when it finds its own record', async () => {
    dynamo.on(PutItemCommand).rejectsOnce(lostReply()).rejectsOnce(conditionFailed());

    expect(await target.applyVersioned([aRecord()])).toEqual(['kept-newer']);
  });

  test('a failing put stops the batch and is thrown', async () => {
    const denied = Object.assign(new Error('denied'), { name: 'AccessDeniedException' });
    dynamo.on(PutItemCommand).rejects(denied);

    await expect(target.applyVersioned([aRecord({ id: 'a' }), aRecord({ id: 'b' })])).rejects.toBe(denied);
  });
});

describe('reads', () => {
  test('keys that were left unprocessed are asked for again', async () => {
    const target = makeTargetStore({ client, table: 'state', sleeper: noSleep });
    const [first, second] = [aRecord({ id: 'a' }), aRecord({ id: 'b' })];
    const left = { pk: { S: recordPk(second.key) }, sk: { S: '.' } };
    dynamo
      .on(BatchGetItemCommand)
      .resolvesOnce({
        Responses: { state: [marshalRecord(first)] },
        UnprocessedKeys: { state: { Keys: [left] } },
      })
      .resolvesOnce({ Responses: { state: [marshalRecord(second)] } });

    const found = await target.read([first.key, second.key]);

    expect([...found.keys()]).toEqual(['session/a', 'session/b']);
  });
});

describe('gateway writes', () => {
  const tables = { state: 'state', authority: 'authority', reversePending: 'reverse-pending' };
  const records = makeHierarchicalRecords({ client, tables, sleeper: noSleep });
  const record = aRecord({ origin: 'hierarchical', version: { epoch: 2, sequence: 4 } });
  const guard = { group: 3, expected: { epoch: 2, sequence: 3 } };
  const none = { Code: 'None' };

  test.each([
    ['a moved authority', [{ Code: 'ConditionalCheckFailed' }, none, none], 'authority-moved'],
    ['a moved version', [none, { Code: 'ConditionalCheckFailed' }, none], 'version-moved'],
    ['a conflict with another transaction', [none, { Code: 'TransactionConflict' }, none], 'contended'],
    ['throttling of one table', [none, none, { Code: 'ThrottlingError' }], 'contended'],
  ] as const)('%s is an outcome', async (_, reasons, outcome) => {
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled(reasons));

    expect(await records.write(record, guard)).toBe(outcome);
  });

  test('a throttled request is contended', async () => {
    const throttled = new ThrottlingException({ message: 'slow', $metadata: { httpStatusCode: 400 } });
    dynamo.on(TransactWriteItemsCommand).rejects(throttled);

    expect(await records.write(record, guard)).toBe('contended');
  });

  test('a refused item is no outcome but a fault', async () => {
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled([none, { Code: 'ValidationError' }, none]));

    await expect(records.write(record, guard)).rejects.toThrow('cancelled');
  });

  test('after a lost answer the same token is used and its own record is recognised', async () => {
    const own = { Code: 'ConditionalCheckFailed', Item: marshalRecord(record) };
    dynamo
      .on(TransactWriteItemsCommand)
      .rejectsOnce(lostReply())
      .rejectsOnce(cancelled([{ Code: 'ConditionalCheckFailed' }, own, none]));

    const outcome = await records.write(record, guard);

    expect(outcome).toBe('written');
    const tokens = dynamo
      .commandCalls(TransactWriteItemsCommand)
      .map(({ args }) => args[0].input.ClientRequestToken);
    expect(new Set(tokens).size).toBe(1);
  });

  test('the record of another writer at the same version is not taken for its own', async () => {
    const other = aRecord({ ...record, body: '{"a":2}' });
    const found = { Code: 'ConditionalCheckFailed', Item: marshalRecord(other) };
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled([none, found, none]));

    expect(await records.write(record, guard)).toBe('version-moved');
  });

  test('an outcome that stays unknown is thrown, never guessed', async () => {
    dynamo.on(TransactWriteItemsCommand).rejects(lostReply());

    await expect(records.write(record, guard)).rejects.toThrow('socket hang up');
  });
});

describe('authority', () => {
  const authority = makeAuthorityStore({ client, table: 'authority', sleeper: noSleep });

  test('items change one by one while writers keep the transaction from going through', async () => {
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled([{ Code: 'TransactionConflict' }]));
    dynamo.on(UpdateItemCommand).resolves({});

    await authority.fence('metadata', 2);

    expect(dynamo.commandCalls(UpdateItemCommand)).toHaveLength(groupCount);
  });

  test('a conflict of one item is waited for', async () => {
    const conflict = Object.assign(new Error('conflict'), { name: 'TransactionConflictException' });
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled([{ Code: 'TransactionConflict' }]));
    dynamo.on(UpdateItemCommand).rejectsOnce(conflict).resolves({});

    await authority.open('metadata', 'hierarchical', 2);

    expect(dynamo.commandCalls(UpdateItemCommand)).toHaveLength(groupCount + 1);
  });
});

describe('relay', () => {
  const relay = makeRelayStore({ client, table: 'progress', sleeper: noSleep });
  const batch = { category: 'metadata', afterSequence: 0, throughSequence: 9, sentAtMs: 1 } as const;

  test('a conflicting transaction is repeated', async () => {
    dynamo
      .on(TransactWriteItemsCommand)
      .rejectsOnce(cancelled([{ Code: 'TransactionConflict' }, { Code: 'None' }]))
      .resolvesOnce({});

    expect(await relay.begin(batch)).toBe(true);
  });
});

describe('queues', () => {
  const queue = makeRangeQueue({ client: sqsClient, queueUrl: 'http://queue', sleeper: noSleep });

  test('only the messages that failed are sent again', async () => {
    sqs
      .on(SendMessageBatchCommand)
      .resolvesOnce({ Failed: [{ Id: '1', Code: 'InternalError', SenderFault: false }] })
      .resolvesOnce({});

    await queue.send([task('a'), task('b')]);

    const [, second] = sqs.commandCalls(SendMessageBatchCommand);
    expect(second?.args[0].input.Entries?.map(({ Id }) => Id)).toEqual(['1']);
  });

  test('a message that the queue will never take is an error', async () => {
    sqs
      .on(SendMessageBatchCommand)
      .resolves({ Failed: [{ Id: '0', Code: 'InvalidMessageContents', SenderFault: true }] });

    await expect(queue.send([task('a')])).rejects.toMatchObject({ name: 'QueueRefusedMessages' });
  });
});
