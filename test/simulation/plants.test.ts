import { describe, expect, it } from 'vitest';

import { plants } from './plants.ts';
import { simulate, type SimulationResult } from './simulate.ts';

async function firstFailure(plant: string, seeds: number): Promise<SimulationResult | null> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const result = await simulate(seed, plants[plant] ?? null);
    if (result.violations.length > 0) return result;
  }
  return null;
}

describe('the simulation', () => {
  it.each(Object.keys(plants))(
    'finds the planted bug %s within 2,000 seeds',
    async (plant) => {
      expect(await firstFailure(plant, 2_000)).not.toBeNull();
    },
    120_000,
  );
});
