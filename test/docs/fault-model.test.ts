import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { faultKinds } from '../simulation/faults.ts';
import { plants } from '../simulation/plants.ts';

const sections = readFileSync('docs/fault-model.md', 'utf8').split(/^\| (?:knob|plant) \|.*$/m);

describe('docs/fault-model.md', () => {
  test('explains every knob of the simulation, and no other', () => {
    expect(namesIn(sections[1])).toEqual([...faultKinds]);
  });

  test('explains every planted bug, and no other', () => {
    expect(namesIn(sections[2]).toSorted()).toEqual(Object.keys(plants).toSorted());
  });
});

/** First cells of the table rows that stand in code. */
function namesIn(section: string | undefined): string[] {
  return [...(section ?? '').matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name = '']) => name);
}
