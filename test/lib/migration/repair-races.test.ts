import { describe, expect, it } from 'vitest';

import { raceRepair, type Sabotage } from './repair-races.ts';

async function violationsOf(races: number, sabotage: Sabotage): Promise<readonly string[]> {
  const violations: string[] = [];
  for (let seed = 1; seed <= races; seed += 1) violations.push(...(await raceRepair(seed, sabotage)));
  return violations;
}

const blind: Sabotage = ({ source, target }, put) => ({ source, target: { ...target, repair: put } });

const high: Sabotage = ({ source, target }) => ({
  source: {
    ...source,
    lowWatermark: async (category) => {
      const { epoch, sequence } = await source.lowWatermark(category);
      return { epoch, sequence: sequence + 2 };
    },
  },
  target,
});

describe('repairs racing live writes', () => {
  it('never write over what is newer, in 10,000 races', async () => {
    expect(await violationsOf(10_000, null)).toEqual([]);
  }, 60_000);

  it('would write over what is newer without the condition of the store', async () => {
    const violations = await violationsOf(1_000, blind);

    expect(violations.some((violation) => violation.includes('went back'))).toBe(true);
  });

  it('would hide a change below a watermark that is not low', async () => {
    const violations = await violationsOf(1_000, high);

    expect(violations.some((violation) => violation.includes(' is '))).toBe(true);
  });
});
