import { plants } from './plants.ts';
import { simulate } from './simulate.ts';
import { emptyTally, mergeTallies, tallyOf, type Tally } from './tally.ts';

/** Some seeds in a row, with one planted bug or none. */
export interface SeedTask {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly plant: string | null;
}

/** One migration after the other, up to the first that fails. */
export async function runSeeds({ firstSeed, seeds, plant }: SeedTask): Promise<Tally> {
  let tally = emptyTally;
  for (let seed = firstSeed; seed < firstSeed + seeds && tally.failure === null; seed += 1) {
    const result = await simulate(seed, plant === null ? null : (plants[plant] ?? null));
    tally = mergeTallies(tally, tallyOf(result));
  }
  return tally;
}
