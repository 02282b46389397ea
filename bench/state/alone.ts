import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

import { clientDefaults } from '../../lib/aws/clients.ts';
import { writeBlindly, writeOneByOne } from './blind.ts';
import { dumpItems, loadItems } from './items.ts';
import type { Job } from './job.ts';
import { copyTable, iterateBatches } from './peers.ts';
import { safeCopy } from './safe-copy.ts';
import { plainScan, verifyFully } from './verification.ts';
import { findWrongRecords } from './steady-state.ts';
import { measureWriteUnits } from './write-units.ts';

const job = JSON.parse(process.argv[2] ?? '{}') as Job;

/** The product's client settings for everybody who uses this SDK: nobody is slowed down by a default. */
const client = new DynamoDBClient({
  ...clientDefaults({ region: 'us-east-1' }),
  endpoint: job.endpoint,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

const ways = {
  'safe-copy': () => timed(() => safeCopy(client, job)),
  'blind-loop': async () => {
    const items = await loadItems(job);
    return await timed(() => writeBlindly(client, job, items));
  },
  'conditional-puts': async () => {
    const items = await loadItems(job);
    return await timed(() => writeOneByOne(client, job, items));
  },
  'copy-dynamodb-table': () => timed(() => copyTable(job)),
  'dynamodb-batch-iterator': async () => {
    const items = await loadItems(job);
    return await timed(() => iterateBatches(job, items));
  },
  verify: () => timed(() => verifyFully(client, job)),
  'plain-scan': () => timed(() => plainScan(client, job)),
  'dump-items': () => timed(() => dumpItems(client, job)),
  'find-wrong-records': () => findWrongRecords(client, job),
  'write-units': async () => ({
    ...(await measureWriteUnits(client, await loadItems(job), job)),
    seconds: 0,
  }),
};

const result = await ways[job.way]();
process.stdout.write(JSON.stringify({ ...result, rssMb: Math.round(process.resourceUsage().maxRSS / 1024) }));
client.destroy();
process.exit(0);

async function timed(work: () => Promise<number>): Promise<{ records: number; seconds: number }> {
  const startedAtMs = performance.now();
  const records = await work();
  return { records, seconds: (performance.now() - startedAtMs) / 1_000 };
}
