import { parseArgs } from 'node:util';

import { startDynamo } from '../support/dynoxide.ts';
import { startQueues } from '../support/fauxqs.ts';
import { runCopy } from './crash-run.ts';
import { faultsOf } from './faults-of.ts';
import { engines } from './flat-side.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    source: { type: 'string', default: 'sqlite' },
    seed: { type: 'string', default: '1' },
    records: { type: 'string' },
  },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
const records = Number(values.records ?? 1_000 + 100 * kills);
const engine = engines.find((known) => known === values.source);
const areNumbers = [kills, seed, records].every((number) => Number.isInteger(number) && number > 0);
if (!areNumbers || engine === undefined) {
  console.error(`usage: crash --kills N --source ${engines.join('|')} --seed N [--records N]`);
  process.exit(2);
}

const [dynamo, queues] = await Promise.all([startDynamo(), startQueues()]);
try {
  const options = { engine, seed, records, writes: 400 + 40 * kills } as const;
  const undisturbed = await runCopy({ dynamo, queues }, { ...options, kills: 0 });
  const killed = await runCopy({ dynamo, queues }, { ...options, kills });
  const faults = faultsOf(killed, undisturbed, kills);
  console.log(JSON.stringify({ ...options, kills, killed, undisturbed, faults }, null, 2));
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await queues.stop();
  await dynamo.stop();
}
