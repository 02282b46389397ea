import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

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
  const nextTask = (): SeedTask | undefined => (tally.failure === null ? tasks.shift() : undefined);
  const workers = Math.min(availableParallelism(), tasks.length);
  const runs = Array.from({ length: workers }, () =>
    runWorker(nextTask, (done) => {
      tally = mergeTallies(tally, done);
    }),
  );
  await Promise.all(runs);
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

async function runWorker(
  nextTask: () => SeedTask | undefined,
  finished: (tally: Tally) => void,
): Promise<void> {
  const worker = new Worker(new URL('seed-worker.ts', import.meta.url), { execArgv: [] });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  try {
    for (let task = nextTask(); task !== undefined; task = nextTask()) {
      const answer = new Promise<Tally>((resolve) => worker.once('message', resolve));
      worker.postMessage(task, []);
      finished(await Promise.race([answer, failed]));
    }
  } finally {
    await worker.terminate();
  }
}
