import { describe, expect, it } from 'vitest';

import { plants } from './plants.ts';
import { runInParallel } from './seed-pool.ts';

describe('the simulation', () => {
  it.each(Object.keys(plants))(
    'finds the planted bug %s within 2,000 seeds',
    async (plant) => {
      const { failure } = await runInParallel({ firstSeed: 1, seeds: 2_000, plant });

      expect(failure).not.toBeNull();
    },
    120_000,
  );
});
