import { speedOf, type Bench } from '../bench.ts';
import { figure, median, type Figure } from '../figures.ts';
import type { Job, JobResult } from '../job.ts';
import { cpuLimit, unitsLimit } from './limits.ts';

/** All of them write the same items; slow ones write a part of them. */
export async function measureCopies(bench: Bench, first: Job, records: number) {
  const peers = [
    { way: 'blind-loop', share: 1 },
    { way: 'conditional-puts', share: 0.1 },
    { way: 'copy-dynamodb-table', share: 1 },
    { way: 'dynamodb-batch-iterator', share: 0.5 },
  ] as const;
  const safe: JobResult[] = [];
  const ratios = new Map<string, number[]>(peers.map(({ way }) => [way, []]));
  const speeds = new Map<string, number[]>(peers.map(({ way }) => [way, []]));
  for (let round = 0; round < bench.rounds; round += 1) {
    const ours = await bench.run(await bench.freshJob('safe-copy', first.flatPath));
    safe.push(ours);
    for (const { way, share } of peers) {
      const mostItems = share === 1 ? null : Math.floor(records * share);
      const job = await bench.freshJob(way, first.flatPath);
      const theirs = await bench.run({
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

export async function measureUnits(bench: Bench, first: Job): Promise<Figure> {
  const job = await bench.freshJob('write-units', first.flatPath);
  const measured = await bench.run({ ...job, itemsPath: first.itemsPath, mostItems: 2_000 });
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
