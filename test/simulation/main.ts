import { parseArgs } from 'node:util';

import { faultKinds, type FaultKind } from './faults.ts';
import { plants } from './plants.ts';
import { simulate, type SimulationResult } from './simulate.ts';

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
const plant = values.plant === undefined ? null : plants[values.plant];
if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(firstSeed) || plant === undefined) {
  console.error(
    `usage: simulate --seeds N --first-seed N [--json] [--plant ${Object.keys(plants).join('|')}]`,
  );
  process.exit(2);
}

const startMs = performance.now();
const totals = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>;
let failed: SimulationResult | null = null;
let done = 0;
let steps = 0;
let acknowledgedWrites = 0;
for (let seed = firstSeed; seed < firstSeed + seeds && failed === null; seed += 1) {
  const result = await simulate(seed, plant);
  done += 1;
  steps += result.steps;
  acknowledgedWrites += result.acknowledgedWrites;
  for (const kind of faultKinds) totals[kind] += result.faults[kind];
  if (result.violations.length > 0) failed = result;
}
const seconds = (performance.now() - startMs) / 1000;

if (values.json) {
  console.log(
    JSON.stringify({
      apiVersion: 'hal9-migrate/v1',
      kind: 'SimulationReport',
      seeds: done,
      firstSeed,
      seconds,
      steps,
      acknowledgedWrites,
      faults: totals,
      failure: failed,
    }),
  );
} else {
  console.log(
    `${done} migrations in ${seconds.toFixed(1)} s, ${steps} steps, ${acknowledgedWrites} acknowledged writes`,
  );
  for (const kind of faultKinds) console.log(`  ${kind.padEnd(20)} ${totals[kind]}`);
}
if (failed !== null) {
  console.error(`seed ${failed.seed} failed:\n  ${failed.violations.join('\n  ')}`);
  const planted = values.plant === undefined ? '' : ` --plant ${values.plant}`;
  console.error(`repeat it: npm run simulate -- --seeds 1 --first-seed ${failed.seed}${planted}`);
  process.exit(1);
}
