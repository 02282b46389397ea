import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';

import { makeHandler as makeApplyChanges } from '../../functions/apply-changes/handler.ts';
import { makeHandler as makeMigrateBatch } from '../../functions/migrate-batch/handler.ts';
import { makeHandler as makePlanBatches } from '../../functions/plan-batches/handler.ts';
import { makeHandler as makePrepareSource } from '../../functions/prepare-source/handler.ts';
import { makeHandler as makeRelayChanges } from '../../functions/relay-changes/handler.ts';
import {
  makeHandler as makeReverseChanges,
  type StreamEvent,
} from '../../functions/reverse-changes/handler.ts';
import { makeHandler as makeSwitchAuthority } from '../../functions/switch-authority/handler.ts';
import { makeHandler as makeVerifyState } from '../../functions/verify-state/handler.ts';
import { makeAuthorityStore } from '../../lib/aws/authority-store.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeChangeQueue } from '../../lib/aws/change-queue.ts';
import { makeDigestStore } from '../../lib/aws/digest-store.ts';
import { makeHierarchicalRecords } from '../../lib/aws/hierarchical-records.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeQueue } from '../../lib/aws/range-queue.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeRunForecasts } from '../../lib/aws/run-forecasts.ts';
import { makeSettingsStore } from '../../lib/aws/settings-store.ts';
import { makeSwitchStore } from '../../lib/aws/switch-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { makeGateway } from '../../lib/gateway/gateway.ts';
import type { FlatRecords } from '../../lib/gateway/ports.ts';
import { seededRandom } from '../../lib/kernel/random.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type { FlatSource } from '../../lib/migration/ports.ts';
import { openFlatRecords } from '../../lib/sqlite/flat-records.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import type { TestDynamo } from './dynoxide.ts';
import type { TestQueues } from './fauxqs.ts';

type BatchHandler = (event: {
  Records: { messageId: string; body: string }[];
}) => Promise<{ batchItemFailures: readonly { itemIdentifier: string }[] }>;

/** The whole state path over a SQLite file, a real DynamoDB and real queues, with every function's own handler. */
export async function makeStateSystem(
  engines: { readonly dynamo: TestDynamo; readonly queues: TestQueues },
  definition: MigrationDefinition,
  schemaSql: string,
  /** Instead of the SQLite file. */
  flatSides?: { readonly source: FlatSource; readonly flat: FlatRecords & { close(): Promise<void> | void } },
) {
  const directory = mkdtempSync(join(tmpdir(), 'hal9-state-'));
  const path = join(directory, 'flat.sqlite');
  const database = new DatabaseSync(path);
  database.exec(schemaSql);
  const tables = await engines.dynamo.createTables();
  const { client } = engines.dynamo;
  const sqs = engines.queues.client;
  const rangeQueueUrl = await engines.queues.createQueue(`${tables.state}-ranges`);
  const changeQueueUrl = await engines.queues.createQueue(`${tables.state}-changes`);
  const clock = { nowMs: () => Date.now() };
  const { source, flat } = flatSides ?? {
    source: openFlatSource({ kind: 'sqlite', path }, definition),
    flat: openFlatRecords({ kind: 'sqlite', path }, definition),
  };
  const stores = {
    target: makeTargetStore({ client, table: tables.state }),
    authority: makeAuthorityStore({ client, table: tables.authority }),
    ranges: makeRangeStore({ client, table: tables.progress, clock }),
    relay: makeRelayStore({ client, table: tables.progress }),
    reversePending: makeReversePendingStore({ client, table: tables.reversePending }),
    quarantine: makeQuarantineStore({ client, table: tables.quarantine }),
    switches: makeSwitchStore({ client, table: tables.authority }),
    digests: makeDigestStore({ client, table: tables.progress }),
  };
  const failures: unknown[] = [];
  const onFailure = (_id: string, error: unknown): void => void failures.push(error);
  const deps = { definition, source, clock, sleeper: realSleeper, onFailure, guards: null, ...stores };
  const migrateBatch = makeMigrateBatch(deps);
  let invocation = 0;

  return {
    database,
    stores,
    failures,
    gateway: makeGateway({
      flat,
      hierarchical: makeHierarchicalRecords({ client, tables }),
      authority: stores.authority,
      definition,
      clock,
      sleeper: realSleeper,
      random: seededRandom(1),
      maxWaitMs: 5_000,
    }),
    functions: {
      prepareSource: makePrepareSource(deps),
      planBatches: makePlanBatches({
        ...deps,
        settings: makeSettingsStore({ client, table: tables.progress }),
        forecasts: makeRunForecasts({ client, table: tables.progress }),
        queue: makeRangeQueue({ client: sqs, queueUrl: rangeQueueUrl }),
        rowsPerRange: 100,
      }),
      relayChanges: makeRelayChanges({
        ...deps,
        queue: makeChangeQueue({ client: sqs, queueUrl: changeQueueUrl }),
        loopMs: 0,
        idleMs: 0,
      }),
      reverseChanges: makeReverseChanges(deps),
      switchAuthority: makeSwitchAuthority(deps),
      verifyState: makeVerifyState({ ...deps, timeBudgetMs: 50 }),
    },
    /** Delivers what is in a queue now; returns how many messages were handled. */
    deliverRanges: () =>
      deliver(sqs, rangeQueueUrl, (event) => {
        invocation += 1;
        return migrateBatch(event, { awsRequestId: `worker-${invocation}` });
      }),
    deliverChanges: () => deliver(sqs, changeQueueUrl, makeApplyChanges(deps)),
    readStream: () => readStream(engines.dynamo.endpoint, tables.state),
    async close() {
      database.close();
      await flat.close();
      await source.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function deliver(client: TestQueues['client'], url: string, handler: BatchHandler): Promise<number> {
  let handled = 0;
  for (;;) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 }),
    );
    if (Messages.length === 0) return handled;
    const event = Messages.map(({ MessageId = '', Body = '' }) => ({ messageId: MessageId, body: Body }));
    const { batchItemFailures } = await handler({ Records: event });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const done = Messages.filter(({ MessageId = '' }) => !failed.has(MessageId));
    handled += done.length;
    if (done.length === 0) return handled;
    await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: url,
        Entries: done.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle })),
      }),
    );
  }
}

/** Every record of a table's stream, as a function is given it. */
async function readStream(endpoint: string, table: string): Promise<StreamEvent> {
  const client = new DynamoDBStreamsClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const { Streams = [] } = await client.send(new ListStreamsCommand({ TableName: table }));
  const StreamArn = Streams[0]?.StreamArn;
  const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn }));
  const records: StreamEvent['Records'][number][] = [];
  for (const { ShardId } of StreamDescription?.Shards ?? []) {
    let { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    for (;;) {
      const page = await client.send(new GetRecordsCommand({ ShardIterator }));
      if (page.Records === undefined || page.Records.length === 0) break;
      records.push(...(page.Records as StreamEvent['Records']));
      ShardIterator = page.NextShardIterator;
    }
  }
  client.destroy();
  return { Records: records };
}
