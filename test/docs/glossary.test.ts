import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { hal9Categories as categories } from '../../lib/migration/hal9-definition.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { phaseNames } from '../../lib/orchestrator/phases.ts';
import { profiles } from '../../lib/orchestrator/profiles.ts';
import { documents, sourceFiles } from './source-files.ts';

const rows = [...readFileSync('docs/glossary.md', 'utf8').matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)]
  .map(([, words = '', meaning = '']) => ({ words: words.trim(), meaning: meaning.trim() }))
  .filter(({ words }) => words !== 'word' && !words.startsWith('-'));
const words = rows.flatMap(({ words }) => words.split(', '));

describe('the glossary', () => {
  test('explains each word once', () => {
    expect(words.length).toBeGreaterThan(50);
    expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
    for (const { words, meaning } of rows) expect(`${words}: ${meaning}`).toMatch(/: .{10,}/);
  });

  test('holds no word that nothing uses', () => {
    const text = [...sourceFiles(), ...documents().filter(({ path }) => path !== 'docs/glossary.md')]
      .map((file) => file.text)
      .join('\n')
      .toLowerCase()
      .replaceAll(/[\s_-]+/g, '');
    const plain = words.map((word) => word.replace(/ \(.*\)$/, ''));

    expect(plain.filter((word) => !text.includes(word.toLowerCase().replaceAll(/[\s_-]+/g, '')))).toEqual([]);
  });

  test.each([
    ['category', categories],
    ['record type', hal9Definition.tables.map(({ recordType }) => recordType)],
    ['profile', Object.keys(profiles)],
  ])('lists every %s that the code knows', (word, known) => {
    const meaning = rows.find((row) => row.words === word)?.meaning ?? '';

    for (const name of known) expect(meaning).toContain(name);
  });

  test('lists the phases in their order', () => {
    const meaning = rows.find((row) => row.words === 'phase')?.meaning ?? '';

    const places = phaseNames.filter((name) => meaning.includes(name)).map((name) => meaning.indexOf(name));
    expect(places).toHaveLength(5);
    expect(places).toEqual(places.toSorted((one, other) => one - other));
  });
});
