import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';

import { filesBelow } from './source-files.ts';

const records = filesBelow(['docs/adr'], '.md').toSorted((one, other) => (one.path < other.path ? -1 : 1));

describe('decision records', () => {
  test('are numbered without a gap, and their titles carry the number', () => {
    expect(records.length).toBeGreaterThan(4);
    expect(records.map(({ path }) => Number(basename(path).slice(0, 4)))).toEqual(
      records.map((_record, index) => index + 1),
    );
    for (const [index, { text }] of records.entries())
      expect(text).toMatch(new RegExp(`^# ${index + 1}\\. \\S`));
  });

  test.each(records)('$path says whether it holds, why, what, and what follows', ({ text }) => {
    expect(text).toMatch(/^Status: (accepted|superseded by \d{4})$/m);
    for (const section of ['Context', 'Decision', 'Consequences'])
      expect(text).toMatch(new RegExp(`^## ${section}\\n+\\S`, 'm'));
  });

  test('that are superseded name a record that exists', () => {
    const successors = records.flatMap(
      ({ text }) => /^Status: superseded by (\d{4})$/m.exec(text)?.[1] ?? [],
    );

    for (const number of successors)
      expect(records.some(({ path }) => basename(path).startsWith(number))).toBe(true);
  });
});
