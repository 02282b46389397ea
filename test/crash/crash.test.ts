import { afterAll, beforeAll, expect, test } from 'vitest';

import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startQueues, type TestQueues } from '../support/fauxqs.ts';
import { runCopy } from './crash-run.ts';
import { faultsOf } from './faults-of.ts';
import { engines } from './flat-side.ts';

let dynamo: TestDynamo;
let queues: TestQueues;
beforeAll(async () => {
  [dynamo, queues] = await Promise.all([startDynamo(), startQueues()]);
});
afterAll(() => Promise.all([dynamo.stop(), queues.stop()]));

test.each(engines)(
  'workers that are killed while they copy from %s under live writes change nothing of what comes out',
  async (engine) => {
    const options = { engine, seed: 3, records: 1_500, writes: 300 };
    const undisturbed = await runCopy({ dynamo, queues }, { ...options, kills: 0 });

    const killed = await runCopy({ dynamo, queues }, { ...options, kills: 6 });

    expect(faultsOf(killed, undisturbed, 6)).toEqual([]);
  },
  300_000,
);
