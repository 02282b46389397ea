import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { mutants } from '../model/mutants.ts';
import { scopes } from '../model/scopes.ts';
import { faultKinds } from '../simulation/faults.ts';
import { plants } from '../simulation/plants.ts';

const text = readFileSync('docs/fault-model.md', 'utf8');
const sections = text.split(/^\| (?:knob|plant|scope|mutant|invariant) \|.*$/m);

describe('docs/fault-model.md', () => {
  test('explains every knob of the simulation, and no other', () => {
    expect(namesIn(sections[1])).toEqual([...faultKinds]);
  });

  test('says where each of the 41 kinds of fault happens', () => {
    const firstCells = [...text.matchAll(/^\| (?:`\w+` \| (\d+)|(\d+):)/gm)];
    const kinds = new Set(firstCells.map(([, knob, engine]) => Number(knob ?? engine)));

    expect([...kinds].toSorted((left, right) => left - right)).toEqual(
      Array.from({ length: 41 }, (_, at) => at + 1),
    );
  });

  test('names only tests that exist', () => {
    const files = [...text.matchAll(/`(test\/[\w/.-]+\.test\.ts)`/g)].map(([, file = '']) => file);

    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  });

  test('explains every planted bug, and no other', () => {
    expect(namesIn(sections[2]).toSorted()).toEqual(Object.keys(plants).toSorted());
  });
});

describe('docs/fault-model.md, the model', () => {
  test('explains every scope, and no other', () => {
    expect(namesIn(sections[3])).toEqual(Object.keys(scopes));
  });

  test('explains every mutant, and no other', () => {
    expect(namesIn(sections[4]).toSorted()).toEqual(Object.keys(mutants).toSorted());
  });

  test('says where each of the 18 invariants is looked at', () => {
    const named = [...(sections[5] ?? '').matchAll(/\bI(\d+) /g)].map(([, number]) => Number(number));

    expect(named).toEqual(Array.from({ length: 18 }, (_, at) => at + 1));
  });
});

/** First cells of the table rows that stand in code. */
function namesIn(section: string | undefined): string[] {
  return [...(section ?? '').matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name = '']) => name);
}
