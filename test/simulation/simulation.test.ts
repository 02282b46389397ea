import { describe, expect, it } from 'vitest';

import { faultKinds } from './faults.ts';
import { simulate, type SimulationResult } from './simulate.ts';

const seeds = 2_000;

/** What to read, and what to type, when a seed fails. */
function failureOf(result: SimulationResult): string | null {
  if (result.violations.length === 0) return null;
  const repeat = `npm run simulate -- --seeds 1 --first-seed ${result.seed}`;
  return `seed ${result.seed} (${repeat}):\n${result.violations.join('\n')}`;
}

describe('whole migrations with seeded faults', () => {
  it(`keep every invariant, for ${seeds} seeds in which every fault and every kind of write happens`, async () => {
    const faults = Object.fromEntries(faultKinds.map((kind) => [kind, 0]));
    const workload: Record<string, number> = {};
    let acknowledgedWrites = 0;

    for (let seed = 1; seed <= seeds; seed += 1) {
      const result = await simulate(seed);
      expect(failureOf(result)).toBeNull();
      for (const kind of faultKinds) faults[kind] = (faults[kind] ?? 0) + result.faults[kind];
      for (const [kind, count] of Object.entries<number>({ ...result.workload }))
        workload[kind] = (workload[kind] ?? 0) + count;
      acknowledgedWrites += result.acknowledgedWrites;
    }

    for (const [kind, count] of Object.entries({ ...faults, ...workload })) {
      expect(count, `${kind} happened`).toBeGreaterThan(100);
    }
    expect(acknowledgedWrites).toBeGreaterThan(20 * seeds);
  }, 180_000);

  it('do exactly the same for the same seed', async () => {
    const first = await simulate(77);

    expect(await simulate(77)).toEqual(first);
  });
});
