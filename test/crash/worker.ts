import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

import { makeHandler as makeApplyChanges } from '../../functions/apply-changes/handler.ts';
import { makeHandler as makeMigrateBatch } from '../../functions/migrate-batch/handler.ts';
import { makeHandler as makeRelayChanges } from '../../functions/relay-changes/handler.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeChangeQueue } from '../../lib/aws/change-queue.ts';
import { makeLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import type { PartialBatchResponse, QueueEvent } from '../../lib/kernel/partial-batch.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import type { FlatSource } from '../../lib/migration/ports.ts';
import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { atEachCall, atEachRequest, makeDeath } from './death.ts';
import { leaseMs, pageSize, type WorkerLine, type WorkerTask } from './worker-task.ts';

// One worker process: a function's own handler, over real engines, until somebody kills it.

const task = JSON.parse(process.argv[2] ?? '') as WorkerTask;
const death = makeDeath(task.dieAt);

/** Synchronous: what was said is said, whatever happens next. */
function say(line: WorkerLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

function begin(name: string): void {
  say({ kind: 'batch', name });
  death.arm();
}

const place = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const client = new DynamoDBClient({ ...place, endpoint: task.dynamoUrl });
const sqs = new SQSClient({ ...place, endpoint: task.sqsUrl });
atEachRequest(client, death.point);
const objects = new S3Client({ ...place, endpoint: task.sqsUrl, forcePathStyle: true });
atEachRequest(sqs, death.point);
const clock = { nowMs: () => Date.now() };
const bodies = makeLargeBodies({ client: objects, bucket: task.bodyBucket, clock });

const flat = atEachCall(await openFlatSource(task.source, hal9Definition), death.point);
const source: FlatSource = {
  ...flat,
  readRange: (recordType, range, limit) => {
    begin(
      `${recordType} ${JSON.stringify(range, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}`,
    );
    return flat.readRange(recordType, range, limit);
  },
  readChanges: (category, after, limit, through) => {
    if (task.role === 'relay') death.arm();
    return flat.readChanges(category, after, limit, through);
  },
};
const deps = {
  definition: hal9Definition,
  source,
  clock,
  sleeper: realSleeper,
  guards: null,
  pageSize,
  leaseMs,
  bodies,
  target: makeTargetStore({ client, table: task.tables.state, bodies }),
  quarantine: makeQuarantineStore({ client, table: task.tables.quarantine }),
  ranges: makeRangeStore({ client, table: task.tables.progress, clock }),
  relay: makeRelayStore({ client, table: task.tables.progress }),
  onFailure: (_id: string, error: unknown) => say({ kind: 'failure', message: String(error) }),
};

type Handler = (event: QueueEvent) => Promise<PartialBatchResponse>;

/** As an event source does it: what failed, or was never answered, is delivered again. */
async function consume(url: string, handle: Handler): Promise<never> {
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: 1,
        WaitTimeSeconds: 1,
        VisibilityTimeout: leaseMs / 1000,
      }),
    );
    for (const { MessageId = '', Body = '', ReceiptHandle } of Messages) {
      if (task.role === 'apply') begin(MessageId);
      const { batchItemFailures } = await handle({ Records: [{ messageId: MessageId, body: Body }] });
      if (batchItemFailures.length > 0) continue;
      await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    }
  }
}

async function relayForever(): Promise<never> {
  const queue = makeChangeQueue({ client: sqs, queueUrl: task.changeQueueUrl });
  const relay = makeRelayChanges({
    ...deps,
    queue,
    batchEntries: 20,
    resendAfterMs: leaseMs,
    loopMs: 500,
    idleMs: 20,
  });
  for (;;) {
    await relay().catch((error: unknown) => say({ kind: 'failure', message: String(error) }));
    await delay(5);
  }
}

// Nobody is left behind when whoever started this is gone.
process.stdin.resume().on('end', () => process.exit(0));
say({ kind: 'ready' });
if (task.role === 'relay') await relayForever();
else if (task.role === 'apply') await consume(task.changeQueueUrl, makeApplyChanges(deps));
else {
  const migrateBatch = makeMigrateBatch(deps);
  await consume(task.rangeQueueUrl, (event) =>
    migrateBatch(event, { awsRequestId: `worker ${process.pid}` }),
  );
}
