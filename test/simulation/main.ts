import { parseArgs } from 'node:util';

import { faultKinds } from './faults.ts';
import { plants } from './plants.ts';
import { runSeeds } from './run-seeds.ts';
import { runInParallel } from './seed-pool.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    'first-seed': { type: 'string', default: '1' },
    plant: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const seeds = Number(values.seeds);
const firstSeed = Number(values['first-seed']);
const plant = values.plant ?? null;
const isKnown = plant === null || plant in plants;
if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(firstSeed) || !isKnown) {
  console.error(
    `usage: simulate --seeds N --first-seed N [--json] [--plant ${Object.keys(plants).join('|')}]`,
  );
  process.exit(2);
}

const startMs = performance.now();
const task = { firstSeed, seeds, plant };
// One seed stays in this thread, where a debugger finds it.
const tally = seeds === 1 ? await runSeeds(task) : await runInParallel(task);
const seconds = (performance.now() - startMs) / 1000;
const { migrations, steps, acknowledgedWrites, faults, failure } = tally;

if (values.json) {
  console.log(
    JSON.stringify({
      apiVersion: 'hal9-migrate/v1',
      kind: 'SimulationReport',
      seeds: migrations,
      firstSeed,
      seconds,
      steps,
      acknowledgedWrites,
      faults,
      failure,
    }),
  );
} else {
  console.log(
    `${migrations} migrations in ${seconds.toFixed(1)} s, ${steps} steps, ${acknowledgedWrites} acknowledged writes`,
  );
  for (const kind of faultKinds) console.log(`  ${kind.padEnd(20)} ${faults[kind]}`);
}
if (failure !== null) {
  console.error(`seed ${failure.seed} failed:\n  ${failure.violations.join('\n  ')}`);
  const planted = plant === null ? '' : ` --plant ${plant}`;
  console.error(`repeat it: npm run simulate -- --seeds 1 --first-seed ${failure.seed}${planted}`);
  process.exit(1);
}
