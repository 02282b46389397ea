import { parseArgs } from 'node:util';

import { BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Item } from '../lib/aws/attributes.ts';
import { mapBounded } from '../lib/kernel/map-bounded.ts';
import { marshalRecord } from '../lib/aws/state-item.ts';
import { makeTargetStore } from '../lib/aws/target-store.ts';
import { sealRecord } from '../lib/migration/record-hash.ts';
import type { TargetRecord } from '../lib/migration/record.ts';
import { startDynamo } from '../test/support/dynoxide.ts';

/**
 * What the safety of a backfill costs: batches that write only absent keys, against blind BatchWriteItem of the same
 * items to the same engine in the same run. Rounds alternate, so that both meet the same machine.
 */
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    concurrency: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const recordCount = Number(values.records);
const concurrency = Number(values.concurrency);
const batchSize = 25;

const physicalLimit =
  'On AWS both cost one write unit per KB; a table takes 40,000 units/s by default (1,234,567 records of 1 KB: ' +
  '30.9 s), a cold one 4,000, one partition key 1,000. Locally the engine and this client share two cores.';

const dynamo = await startDynamo();
try {
  const rounds: { safe: number; blind: number }[] = [];
  await measureRound(0, 1_000);
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    rounds.push(await measureRound(round, recordCount));
  }
  report(rounds);
} finally {
  await dynamo.stop();
}

async function measureRound(round: number, count: number): Promise<{ safe: number; blind: number }> {
  const tables = await dynamo.createTables();
  const records = batchesOf(Array.from({ length: count }, (_, index) => aRecord(`${round}-${index}`)));
  // Two tables of one shape without a stream: the engine's own streams slow down as they grow.
  const target = makeTargetStore({ client: dynamo.client, table: tables.quarantine });
  const measureSafe = (): Promise<number> =>
    recordsPerSecond(count, () => mapBounded(records, concurrency, (batch) => target.insertIfAbsent(batch)));
  const measureBlind = (): Promise<number> =>
    recordsPerSecond(count, () =>
      mapBounded(records, concurrency, (batch) => writeBlindly(dynamo.client, tables.control, batch)),
    );
  if (round % 2 === 0) return { safe: await measureSafe(), blind: await measureBlind() };
  const blind = await measureBlind();
  return { safe: await measureSafe(), blind };
}

async function writeBlindly(
  client: DynamoDBClient,
  table: string,
  records: readonly TargetRecord[],
): Promise<void> {
  let open: Item[] = records.map(marshalRecord);
  while (open.length > 0) {
    const requests = open.map((Item) => ({ PutRequest: { Item } }));
    const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
    const left = answer.UnprocessedItems?.[table] ?? [];
    open = left.flatMap(({ PutRequest }) => (PutRequest?.Item === undefined ? [] : [PutRequest.Item]));
  }
}

function aRecord(id: string): TargetRecord {
  return sealRecord({
    key: { recordType: 'neuron', id },
    category: 'neuron-states',
    version: { epoch: 1, sequence: 0 },
    state: 'live',
    origin: 'flat',
    body: JSON.stringify({ id, weights: 'x'.repeat(800) }),
  });
}

function batchesOf(records: readonly TargetRecord[]): TargetRecord[][] {
  return Array.from({ length: Math.ceil(records.length / batchSize) }, (_, index) =>
    records.slice(index * batchSize, (index + 1) * batchSize),
  );
}

async function recordsPerSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return count / ((performance.now() - startedAt) / 1_000);
}

function report(rounds: readonly { safe: number; blind: number }[]): void {
  const safe = median(rounds.map((round) => round.safe));
  const blind = median(rounds.map((round) => round.blind));
  const ratio = median(rounds.map((round) => round.safe / round.blind));
  if (values.json) {
    const result = {
      records: recordCount,
      rounds: rounds.length,
      concurrency,
      insertIfAbsentPerSecond: Math.round(safe),
      batchWriteItemPerSecond: Math.round(blind),
      ratio: Number(ratio.toFixed(3)),
      rssMb: Math.round(process.memoryUsage.rss() / 1_048_576),
      physicalLimit,
    };
    console.log(JSON.stringify(result));
    return;
  }
  console.table([
    { path: 'insertIfAbsent (PartiQL INSERT, 25)', 'records/s': Math.round(safe), ratio: ratio.toFixed(2) },
    { path: 'BatchWriteItem, blind (25)', 'records/s': Math.round(blind), ratio: '1.00' },
  ]);
  console.log(
    `median of ${rounds.length} rounds, ${recordCount} records of 1 KB, ${concurrency} batches at once`,
  );
  console.log(physicalLimit);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0;
}
