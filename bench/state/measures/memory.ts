import { planRowCounts } from '../../../lib/migration/generator/row-counts.ts';
import { count, type Bench } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';

const learningKilobytes = { least: 90, most: 110 };

export function memoryFigure(measure: string, rssMb: number): Figure {
  return figure(
    {
      measure,
      value: rssMb,
      unit: 'MB',
      peer: 'limit',
      peerValue: 256,
      physicalLimit: 'an empty Node process with the SDK: about 95 MB',
    },
    { most: 1 },
  );
}

/** Copies a store whose learning records have about 100 KB each. */
export async function measureLearning(bench: Bench, gigabytes: number): Promise<Figure> {
  const wanted = Math.ceil((gigabytes * 1_000_000_000) / 100_000);
  const records = recordsWith(wanted);
  const { least, most } = learningKilobytes;
  const path = await bench.store(records, { min: least * 1_000, max: most * 1_000 });
  const { rssMb } = await bench.run(await bench.freshJob('safe-copy', path));
  return memoryFigure(
    `peak memory of the process that copied ${gigabytes} GB of learning data (${count(wanted)} records)`,
    rssMb,
  );
}

/** How many records a generated store has when so many of them are learning records. */
function recordsWith(learning: number): number {
  const share = planRowCounts(1_000_000).learning / 1_000_000;
  return Math.ceil(learning / share);
}
