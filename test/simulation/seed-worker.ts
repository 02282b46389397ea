import { parentPort } from 'node:worker_threads';

import { runSeeds, type SeedTask } from './run-seeds.ts';

parentPort?.on('message', (task: SeedTask) => {
  void runSeeds(task).then((tally) => parentPort?.postMessage(tally, []));
});
