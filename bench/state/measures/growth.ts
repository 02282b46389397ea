import { count, type Bench } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';
import type { JobResult } from '../job.ts';

export async function measureGrowth(bench: Bench, small: string, large: string): Promise<readonly Figure[]> {
  const pairs: { readonly few: JobResult; readonly many: JobResult }[] = [];
  for (let round = 0; round < bench.rounds; round += 1) {
    const few = await bench.run(await bench.freshJob('safe-copy', small));
    pairs.push({ few, many: await bench.run(await bench.freshJob('safe-copy', large)) });
  }
  const ratioOf = ({ few, many }: (typeof pairs)[number]): number => many.seconds / few.seconds;
  const middle = pairs.toSorted((left, right) => ratioOf(left) - ratioOf(right))[
    Math.floor(bench.rounds / 2)
  ];
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
