import { describe, expect, it } from 'vitest';

import { runInParallel } from './seed-pool.ts';
import { simulate, type SimulationResult } from './simulate.ts';

const seeds = 10_000;

/** What to read, and what to type, when a seed fails. */
function textOf(failure: SimulationResult | null): string | null {
  if (failure === null) return null;
  const repeat = `npm run simulate -- --seeds 1 --first-seed ${failure.seed}`;
  return `seed ${failure.seed} (${repeat}):\n${failure.violations.join('\n')}`;
}

describe('whole migrations with seeded faults', () => {
  it(`keep every invariant, for ${seeds} seeds in which every fault and every kind of write happens`, async () => {
    const { failure, faults, workload, acknowledgedWrites } = await runInParallel({
      firstSeed: 1,
      seeds,
      plant: null,
    });

    expect(textOf(failure)).toBeNull();
    for (const [kind, count] of Object.entries({ ...faults, ...workload })) {
      expect(count, `${kind} happened`).toBeGreaterThan(1_000);
    }
    expect(acknowledgedWrites).toBeGreaterThan(20 * seeds);
  }, 600_000);

  it('do exactly the same for the same seed', async () => {
    const first = await simulate(77);

    expect(await simulate(77)).toEqual(first);
  });
});
