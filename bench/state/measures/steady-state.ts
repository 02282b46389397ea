import { count, type Bench } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';
import type { Job } from '../job.ts';
import { cpuLimit } from './limits.ts';

/** One wrong record among all, found and repaired by kept digests; the worst of those that were tried. */
export async function measureSteadyState(bench: Bench, first: Job): Promise<readonly Figure[]> {
  const result = await bench.run({ ...first, way: 'find-wrong-records' });
  const { records, seconds, rowsRead = 0, digestBytes = 0 } = result;
  const among = `one wrong record among ${count(records)}`;
  return [
    figure(
      {
        measure: `${among}: rows and records read until it is repaired`,
        value: rowsRead,
        unit: 'rows and records',
        peer: 'full comparison of both sides',
        peerValue: 2 * records,
        physicalLimit: 'two reads of each side: to judge it, and to repair it',
      },
      { most: 0.001 },
    ),
    figure(
      {
        measure: `${among}: time of the reconciliation that repairs it`,
        value: seconds,
        unit: 's',
        peer: 'allowance after the 30 s interval',
        peerValue: 5,
        physicalLimit: `four looks 250 ms apart before a difference counts; ${cpuLimit}`,
      },
      { most: 1 },
    ),
    figure(
      {
        measure: `digests kept of ${count(records)} records`,
        value: digestBytes / 1_000_000,
        unit: 'MB',
        peer: 'limit',
        peerValue: 1,
        physicalLimit: '4,096 buckets of two sides, 32 bytes each: 0.26 MB',
      },
      { most: 1 },
    ),
  ];
}
