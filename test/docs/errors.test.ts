import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { exitCodes } from '../../lib/kernel/errors.ts';
import { sourceErrors } from './source-errors.ts';

interface Entry {
  readonly name: string;
  readonly cause: string;
  readonly remedy: string;
  readonly exits: readonly number[];
}

const made = sourceErrors();
const entries = readFileSync('docs/errors.md', 'utf8')
  .split('\n')
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  .filter((cells) => /^`\w+`$/.test(cells[1] ?? '') && cells.length === 6)
  .map(([, name = '', cause = '', remedy = '', exits = '']): Entry => ({
    name: name.slice(1, -1),
    cause,
    remedy,
    exits: exits.split(', ').map(Number),
  }));

describe('docs/errors.md', () => {
  test('has every error of the code, and none that is gone', () => {
    const names = [...new Set(made.map(({ name }) => name))];

    expect(names.length).toBeGreaterThan(50);
    expect(entries.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  test('says of each what causes it and what to do', () => {
    for (const { name, cause, remedy } of entries) {
      expect(`${name}: ${cause}`).toMatch(/: .{15,}/);
      expect(`${name}: ${remedy}`).toMatch(/: .{10,}/);
    }
  });

  test('tells the exit codes with which each ends', () => {
    const expected = entries.map(({ name }) => [
      name,
      [...new Set(made.filter((error) => error.name === name).map(({ exit }) => exit))].toSorted(
        (one, other) => one - other,
      ),
    ]);

    expect(entries.map(({ name, exits }) => [name, exits])).toEqual(expected);
  });

  test('lists the exit codes themselves', () => {
    const listed = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| (\d+) \| `(\w+)` \|/gm)];

    expect(Object.fromEntries(listed.map(([, code, name = '']) => [name, Number(code)]))).toEqual(exitCodes);
  });
});
