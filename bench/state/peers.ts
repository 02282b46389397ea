import { createRequire } from 'node:module';

import type { Item } from './items.ts';
import type { Job } from './job.ts';

/** Both are of the time of the SDK's second version and bring it with them. */
const load = createRequire(import.meta.url);
const clientV2 = createRequire(load.resolve('copy-dynamodb-table'))('aws-sdk') as {
  readonly DynamoDB: new (settings: unknown) => unknown;
};

function settingsOf({ endpoint }: Job) {
  return { endpoint, region: 'us-east-1', accessKeyId: 'local', secretAccessKey: 'local' };
}

/** Table to table, 25 items at a time, one after the other: it knows no other way. */
export async function copyTable(job: Job): Promise<number> {
  const { copy } = await import('copy-dynamodb-table');
  const options = {
    config: settingsOf(job),
    source: { tableName: job.fromTable },
    destination: { tableName: job.tables.state },
    concurrency: job.concurrency,
  };
  return await new Promise((resolve, reject) => {
    copy(options, (fault, result) => (fault === null ? resolve(result.count) : reject(fault)));
  });
}

type BatchWrite = new (
  client: unknown,
  writes: Iterable<readonly [string, { PutRequest: { Item: Item } }]>,
) => AsyncIterable<unknown>;

/** As many iterators as the others have batches under way, each over its share. */
export async function iterateBatches(job: Job, items: readonly Item[]): Promise<number> {
  const { BatchWrite } = (await import('@aws/dynamodb-batch-iterator')) as unknown as {
    readonly BatchWrite: BatchWrite;
  };
  const client = new clientV2.DynamoDB({ ...settingsOf(job), apiVersion: '2012-08-10' });
  let written = 0;
  const work = async (share: number): Promise<void> => {
    const own = items.filter((_, at) => at % job.concurrency === share);
    const writes = own.map((Item) => [job.tables.state, { PutRequest: { Item } }] as const);
    const done = new BatchWrite(client, writes)[Symbol.asyncIterator]();
    while ((await done.next()).done !== true) written += 1;
  };
  await Promise.all(Array.from({ length: job.concurrency }, (_, share) => work(share)));
  return written;
}
