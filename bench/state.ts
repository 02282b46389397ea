import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { generateStore } from '../lib/sqlite/generate-store.ts';
import { startDynamo } from '../test/support/dynoxide.ts';
import { figure, median, type Figure } from './state/figures.ts';
import type { Job, JobResult } from './state/job.ts';
import { bundleWays, runAlone } from './state/ways.ts';

/**
 * The measures of the state engine, each beside its peer, in one run against one endpoint. Every way runs in a process
 * of its own and into tables of its own; what is compared alternates, so that both meet the same machine.
 */
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '50000' },
    rounds: { type: 'string', default: '3' },
    concurrency: { type: 'string', default: '8' },
    json: { type: 'boolean', default: false },
  },
});
const records = Number(values.records);
const rounds = Number(values.rounds);
const concurrency = Number(values.concurrency);

const unitsLimit =
  'AWS: 40,000 write units/s per table by default, 4,000 when cold, 1,000 per partition key; 1,234,567 records of 1 KB take 30.9 s';
const cpuLimit = `here: ${cpus().length} cores for the client and the engine together`;

const directory = mkdtempSync(join(tmpdir(), 'hal9-bench-'));
await bundleWays();
const dynamo = await startDynamo();
try {
  const figures = await measureAll();
  if (values.json) console.log(JSON.stringify(figures));
  else present(figures);
} finally {
  await dynamo.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function measureAll(): Promise<readonly Figure[]> {
  const flatPath = await makeStore(records);
  const first = await freshJob('safe-copy', flatPath);
  await run(first);
  await run({ ...first, way: 'dump-items' });
  const small = await makeStore(Math.max(1_000, Math.floor(records / 10)));
  const copies = await measureCopies(first);
  return [
    ...copies.figures,
    await measureUnits(first),
    await measureVerification(first),
    figure(
      {
        measure: 'peak memory of the copying process',
        value: copies.rssMb,
        unit: 'MB',
        peer: 'limit',
        peerValue: 256,
        physicalLimit: 'an empty Node process with the SDK: about 95 MB',
      },
      { most: 1 },
    ),
    ...(await measureGrowth(small, flatPath)),
  ];
}

/** All of them write the same items; slow ones write a part of them. */
async function measureCopies(first: Job) {
  const peers = [
    { way: 'blind-loop', share: 1 },
    { way: 'conditional-puts', share: 0.1 },
    { way: 'copy-dynamodb-table', share: 1 },
    { way: 'dynamodb-batch-iterator', share: 0.5 },
  ] as const;
  const safe: JobResult[] = [];
  const ratios = new Map<string, number[]>(peers.map(({ way }) => [way, []]));
  const speeds = new Map<string, number[]>(peers.map(({ way }) => [way, []]));
  for (let round = 0; round < rounds; round += 1) {
    const ours = await run(await freshJob('safe-copy', first.flatPath));
    safe.push(ours);
    for (const { way, share } of peers) {
      const mostItems = share === 1 ? null : Math.floor(records * share);
      const job = await freshJob(way, first.flatPath);
      const theirs = await run({
        ...job,
        itemsPath: first.itemsPath,
        fromTable: first.tables.state,
        mostItems,
      });
      speeds.get(way)?.push(speedOf(theirs));
      ratios.get(way)?.push(speedOf(ours) / speedOf(theirs));
    }
  }
  const ourSpeed = median(safe.map(speedOf));
  const against = (way: (typeof peers)[number]['way'], peer: string, least: number): Figure => ({
    ...figure(
      {
        measure: 'safe copy',
        value: ourSpeed,
        unit: 'records/s',
        peer,
        peerValue: median(speeds.get(way) ?? []),
        physicalLimit: `${unitsLimit}; ${cpuLimit}`,
      },
      { least },
    ),
    ratio: Number(median(ratios.get(way) ?? []).toPrecision(4)),
    reached: median(ratios.get(way) ?? []) >= least,
  });
  return {
    figures: [
      against('blind-loop', 'raw concurrent BatchWriteItem loop of the same items', 0.8),
      against('conditional-puts', 'loop of per-item conditional puts', 4),
      against('copy-dynamodb-table', 'copy-dynamodb-table 2.2.1', 1),
      against('dynamodb-batch-iterator', '@aws/dynamodb-batch-iterator 0.7.1', 1),
    ],
    rssMb: Math.max(...safe.map(({ rssMb }) => rssMb)),
  };
}

async function measureUnits(first: Job): Promise<Figure> {
  const job = await freshJob('write-units', first.flatPath);
  const measured = await run({ ...job, itemsPath: first.itemsPath, mostItems: 2_000 });
  return figure(
    {
      measure: 'write units of a safe write for each KB begun',
      value: (measured.writeUnits ?? 0) / (measured.kilobytes ?? 1),
      unit: 'write units',
      peer: 'BatchWriteItem of the same items',
      peerValue: (measured.blindUnits ?? 0) / (measured.kilobytes ?? 1),
      physicalLimit: 'one write unit for each KB begun; a transaction takes two',
    },
    { most: 1 },
  );
}

async function measureVerification(first: Job): Promise<Figure> {
  const seconds: number[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const plain = await run({ ...first, way: 'plain-scan' });
    const verified = await run({ ...first, way: 'verify' });
    seconds.push(verified.seconds);
    ratios.push(verified.seconds / plain.seconds);
  }
  const ratio = median(ratios);
  return figure(
    {
      measure: 'full verification with recomputed hashes',
      value: median(seconds),
      unit: 's',
      peer: 'one plain parallel scan of both sides',
      peerValue: median(seconds) / ratio,
      physicalLimit: `AWS: 154,000 read units for 1,234,567 records of 1 KB, 12.9 s of a cold table; ${cpuLimit}`,
    },
    { most: 1.3 },
  );
}

async function measureGrowth(small: string, large: string): Promise<readonly Figure[]> {
  const pairs: { readonly few: JobResult; readonly many: JobResult }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const few = await run(await freshJob('safe-copy', small));
    pairs.push({ few, many: await run(await freshJob('safe-copy', large)) });
  }
  const ratioOf = ({ few, many }: (typeof pairs)[number]): number => many.seconds / few.seconds;
  const middle = pairs.toSorted((left, right) => ratioOf(left) - ratioOf(right))[Math.floor(rounds / 2)];
  if (middle === undefined) return [];
  const { few, many } = middle;
  const grown = `${count(few.records)} to ${count(many.records)} records`;
  return [
    figure(
      {
        measure: `time of ten times the records (${grown})`,
        value: many.seconds,
        unit: 's',
        peer: 'a tenth of them',
        peerValue: few.seconds,
        physicalLimit: '10x: every record is written once',
      },
      { most: 10.5 },
    ),
    figure(
      {
        measure: `memory of ten times the records (${grown})`,
        value: many.rssMb,
        unit: 'MB',
        peer: 'a tenth of them',
        peerValue: few.rssMb,
        physicalLimit: '1x: nothing is kept of a record that is written',
      },
      { most: 1.25 },
    ),
  ];
}

async function run(job: Job): Promise<JobResult> {
  process.stderr.write(`${job.way} ... `);
  const result = await runAlone(job);
  process.stderr.write(
    `${count(result.records)} in ${result.seconds.toFixed(1)} s, ${count(speedOf(result))}/s, ${result.rssMb} MB\n`,
  );
  return result;
}

async function freshJob(way: Job['way'], flatPath: string): Promise<Job> {
  const tables = await dynamo.createTables();
  return {
    way,
    endpoint: dynamo.endpoint,
    flatPath,
    itemsPath: join(directory, 'items.jsonl'),
    // Without a stream: the engine's own slow down as they grow.
    tables: { state: tables.control, progress: tables.progress, quarantine: tables.quarantine },
    fromTable: '',
    concurrency,
    mostItems: null,
  };
}

async function makeStore(count: number): Promise<string> {
  const path = join(directory, `flat-${count}.sqlite`);
  await generateStore({ path, records: count, seed: 1 });
  return path;
}

function speedOf({ records: done, seconds }: JobResult): number {
  return done / Math.max(seconds, 0.001);
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function present(figures: readonly Figure[]): void {
  console.table(
    figures.map(({ measure, value, unit, peer, peerValue, ratio, goal, reached }) => ({
      measure,
      value: `${value} ${unit}`,
      peer: `${peer}: ${peerValue}`,
      ratio,
      goal,
      reached,
    })),
  );
  for (const limit of new Set(figures.map(({ physicalLimit }) => physicalLimit))) console.log(limit);
}
