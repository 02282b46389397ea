import { describe, expect, it } from 'vitest';

import { runInWorkers } from '../support/worker-pool.ts';
import type { ExploreAnswer, ExploreTask } from './explore-worker.ts';
import { exploreLeases, productLeaseRules } from './lease-model.ts';
import { mutants } from './mutants.ts';
import { scopes } from './scopes.ts';

async function exploreAll(tasks: ExploreTask[]): Promise<readonly ExploreAnswer[]> {
  const answers: ExploreAnswer[] = [];
  await runInWorkers<ExploreTask, ExploreAnswer>({
    script: new URL('explore-worker.ts', import.meta.url),
    nextTask: () => tasks.shift(),
    finished: (answer) => answers.push(answer),
  });
  return answers;
}

/** The way to the state, one step a line. */
function textOf({ scope, counterexample }: ExploreAnswer): string | null {
  return counterexample === null
    ? null
    : [`${scope}: ${counterexample.problem}`, ...counterexample.trace].join('\n  ');
}

describe('the protocol of one key', () => {
  it('keeps every invariant in each of more than a million states, and there are no more', async () => {
    const answers = await exploreAll(
      Object.keys(scopes)
        .toReversed()
        .map((scope) => ({ scope, mutant: null })),
    );

    expect(answers.map(textOf).filter((text) => text !== null)).toEqual([]);
    expect(answers.every(({ complete }) => complete)).toBe(true);
    expect(answers.reduce((sum, { states }) => sum + states, 0)).toBeGreaterThan(1_000_000);
  }, 300_000);

  it('breaks an invariant without any one of its guards', async () => {
    const tasks = Object.entries(mutants).map(([mutant, { scope }]) => ({ scope, mutant }));

    const answers = await exploreAll(tasks);

    const survivors = answers.filter(({ counterexample }) => counterexample === null);
    expect(survivors.map(({ mutant }) => mutant)).toEqual([]);
    expect(answers).toHaveLength(Object.keys(mutants).length);
  }, 300_000);
});

describe('the leases of one range', () => {
  it('let one holder at a time move the cursor, over rows that are written', () => {
    expect(exploreLeases(productLeaseRules).problem).toBeNull();
  });

  it.each([
    ['the fence', { holds: () => true }],
    ['the order of write and checkpoint', { writesFirst: false }],
  ])('break without %s', (_name, change) => {
    expect(exploreLeases({ ...productLeaseRules, ...change }).problem).toMatch('I7');
  });
});
