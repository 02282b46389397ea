import { parseArgs } from 'node:util';

import { openBench, type Bench } from './state/bench.ts';
import type { Figure } from './state/figures.ts';
import { measureCopies, measureUnits } from './state/measures/copies.ts';
import { measureGrowth } from './state/measures/growth.ts';
import { measureLearning, memoryFigure } from './state/measures/memory.ts';
import { measureSteadyState } from './state/measures/steady-state.ts';
import { measureVerification } from './state/measures/verification.ts';

/**
 * The measures of the state engine, each beside its peer, in one run against one endpoint. Every way runs in a process
 * of its own and into tables of its own; what is compared alternates, so that both meet the same machine.
 *
 * `--large N` measures instead what only size shows, with N records; `--learning-gb G` with so much learning data too.
 */
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '50000' },
    rounds: { type: 'string', default: '3' },
    concurrency: { type: 'string', default: '8' },
    large: { type: 'string' },
    'learning-gb': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const bench = await openBench({ rounds: Number(values.rounds), concurrency: Number(values.concurrency) });
try {
  const isLarge = values.large !== undefined || values['learning-gb'] !== undefined;
  const figures = isLarge ? await measureLarge(bench) : await measureAll(bench, Number(values.records));
  if (values.json) console.log(JSON.stringify(figures));
  else present(figures);
} finally {
  await bench.close();
}

async function measureAll(bench: Bench, records: number): Promise<readonly Figure[]> {
  const flatPath = await bench.store(records);
  const first = await bench.freshJob('safe-copy', flatPath);
  await bench.run(first);
  await bench.run({ ...first, way: 'dump-items' });
  const small = await bench.store(Math.max(1_000, Math.floor(records / 10)));
  const copies = await measureCopies(bench, first, records);
  return [
    ...copies.figures,
    await measureUnits(bench, first),
    await measureVerification(bench, first),
    ...(await measureSteadyState(bench, first)),
    memoryFigure('peak memory of the copying process', copies.rssMb),
    ...(await measureGrowth(bench, small, flatPath)),
  ];
}

async function measureLarge(bench: Bench): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  if (values.large !== undefined) {
    const first = await bench.freshJob('safe-copy', await bench.store(Number(values.large)));
    const { rssMb, records } = await bench.run(first);
    figures.push(
      memoryFigure(`peak memory of the process that copied ${records} records`, rssMb),
      await measureVerification(bench, first),
      ...(await measureSteadyState(bench, first)),
    );
  }
  const gigabytes = Number(values['learning-gb'] ?? 0);
  return gigabytes > 0 ? [...figures, await measureLearning(bench, gigabytes)] : figures;
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
