import { describe, expect, test } from 'vitest';

import { randomInt, seededRandom, type Random } from '../../../../lib/kernel/random.ts';
import { dayMs } from '../../../../lib/migration/body-name.ts';
import {
  makeSweepBodies,
  type SweepAnswer,
  type SweepBodiesDeps,
} from '../../../../lib/migration/bodies/sweep-bodies.ts';
import { bodyWorld } from './body-world.ts';

interface Plant {
  readonly retentionMs?: number;
  readonly unnamedForMs?: number;
  /** No sweep knows its own marks from those of another, which may have added them behind its scan. */
  readonly trustsLateMarks?: boolean;
}

/** Before every call of a port something may happen. */
function interleaved(deps: SweepBodiesDeps, happen: () => Promise<void>): SweepBodiesDeps {
  const around = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          await happen();
          return await method(...args);
        };
      },
    });
  return {
    ...deps,
    objects: around(deps.objects),
    named: around(deps.named),
    marks: around(deps.marks),
  };
}

function trusting(deps: SweepBodiesDeps): SweepBodiesDeps {
  return { ...deps, newId: () => 'any' };
}

/** Sweeps, up to two at once, some of them given up or called twice, among everything else. */
async function explore(seed: number, { trustsLateMarks = false, ...times }: Plant) {
  const random: Random = seededRandom(seed);
  const world = bodyWorld();
  const happen = async (): Promise<void> => {
    if (random.next() < 0.4) await world.happen(random);
  };
  const deps = { ...world.deps, ...times };
  const sweep = makeSweepBodies(interleaved(trustsLateMarks ? trusting(deps) : deps, happen));
  const cursors: (string | null)[] = [null, null];
  let deleted = 0;
  for (let round = 0; round < 400; round += 1) {
    await happen();
    if (random.next() < 0.05) world.pass(randomInt(random, 20 * dayMs));
    const at = randomInt(random, cursors.length);
    const cursor = random.next() < 0.03 ? null : (cursors[at] ?? null);
    const answer: SweepAnswer = await sweep({ dryRun: false, cursor }, 0);
    // Now and then an answer is lost, and the same call is made again.
    if (random.next() > 0.05) cursors[at] = answer.done ? null : answer.cursor;
    if (answer.done) deleted += answer.report.deleted.objects;
    world.look();
  }
  return { violations: world.violations, deleted };
}

async function exploreMany(seeds: number, plant: Plant) {
  let deleted = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const outcome = await explore(seed, plant);
    deleted += outcome.deleted;
    if (outcome.violations.length > 0) return { seed, lost: outcome.violations[0] ?? '', deleted };
  }
  return { seed: null, lost: null, deleted };
}

describe('a sweep among puts, writes, deletions, other sweeps and lost answers', () => {
  test('deletes much, and nothing that an item, an image or a message still names', async () => {
    const { lost, deleted } = await exploreMany(150, {});

    expect(lost).toBeNull();
    expect(deleted).toBeGreaterThan(150);
  });

  test.each<readonly [string, Plant]>([
    ['that looks at bodies of the day before', { retentionMs: 0 }],
    ['that deletes what is unnamed at once', { unnamedForMs: 0 }],
    ['that takes the marks of another sweep for its own', { trustsLateMarks: true }],
  ])('loses bodies %s', async (_what, plant) => {
    expect((await exploreMany(1_000, plant)).lost).toMatch(/is named and gone$/);
  });
});
