import type { Bench } from '../bench.ts';
import { figure, median, type Figure } from '../figures.ts';
import type { Job } from '../job.ts';
import { cpuLimit, scanLimit } from './limits.ts';

export async function measureVerification(bench: Bench, first: Job): Promise<Figure> {
  const seconds: number[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < bench.rounds; round += 1) {
    const plain = await bench.run({ ...first, way: 'plain-scan' });
    const verified = await bench.run({ ...first, way: 'verify' });
    seconds.push(verified.seconds);
    ratios.push(verified.seconds / plain.seconds);
  }
  const ratio = median(ratios);
  return figure(
    {
      measure: 'full verification with recomputed hashes',
      value: median(seconds),
      unit: 's',
      peer: 'one plain parallel scan of both sides',
      peerValue: median(seconds) / ratio,
      physicalLimit: `${scanLimit}; ${cpuLimit}`,
    },
    { most: 1.3 },
  );
}
