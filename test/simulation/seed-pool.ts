import { runInWorkers } from '../support/worker-pool.ts';
import type { SeedTask } from './run-seeds.ts';
import { emptyTally, mergeTallies, type Tally } from './tally.ts';

/** Seeds that a worker takes at once: few enough that all end at about the same time. */
const seedsPerTask = 25;

/**
 * The same seeds as one loop would run, in as many threads as there are processors. Every seed is a world of its own,
 * so which thread runs it makes no difference. Begins no further seeds once one has failed.
 */
export async function runInParallel(task: SeedTask): Promise<Tally> {
  const tasks = splitTask(task);
  let tally = emptyTally;
  await runInWorkers<SeedTask, Tally>({
    script: new URL('seed-worker.ts', import.meta.url),
    nextTask: () => (tally.failure === null ? tasks.shift() : undefined),
    finished: (done) => {
      tally = mergeTallies(tally, done);
    },
  });
  return tally;
}

function splitTask({ firstSeed, seeds, plant }: SeedTask): SeedTask[] {
  const count = Math.ceil(seeds / seedsPerTask);
  return Array.from({ length: count }, (_, at) => ({
    firstSeed: firstSeed + at * seedsPerTask,
    seeds: Math.min(seedsPerTask, seeds - at * seedsPerTask),
    plant,
  }));
}
