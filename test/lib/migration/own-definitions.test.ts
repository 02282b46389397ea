import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { hal9Categories, hal9Migration } from '../../../lib/migration/hal9-definition.ts';
import { filesBelow } from '../../docs/source-files.ts';

const code = filesBelow(['lib', 'functions', 'cli', 'local', 'cdk'], '.ts');

/** Words that mean nothing else, unlike `configuration` and `metadata`. */
const telling = hal9Categories.filter((name) => name.includes('-'));

/** What is about neurons, patterns and sessions can be about HAL9 only. */
const aboutHal9 = [
  'cli/commands/neurons-snapshot.ts',
  'cli/output/validation-views.ts',
  'cli/state/validate-state.ts',
  'lib/migration/hal9-definition.ts',
  'lib/migration/learning/learning-category.ts',
  'lib/migration/neurons/graph-tables.ts',
];

test("no code but HAL9's own definition and its own commands names its categories", () => {
  const named = code.filter(({ text }) => telling.some((name) => text.includes(`'${name}'`)));

  expect(telling).toHaveLength(3);
  expect(named.map(({ path }) => path).toSorted()).toEqual(aboutHal9);
});

test("functions take the definition that they were bundled with, never HAL9's own", () => {
  const functions = code.filter(({ path }) => path.startsWith('functions/'));
  const mains = functions.filter(({ text }) => text.includes("from 'hal9-migration'"));

  expect(functions.filter(({ text }) => text.includes('hal9-definition'))).toEqual([]);
  expect(mains.length).toBeGreaterThan(9);
});

test('every record type of HAL9 belongs to one mapping', () => {
  const mappings = hal9Migration.mappings?.map(({ name }) => name) ?? [];

  expect(mappings).toEqual(['canonical', 'server']);
  for (const { mapping = '' } of hal9Migration.tables) expect(mappings).toContain(mapping);
});

test('the built-in definition is what `hal9-migration` means where nothing else is chosen', () => {
  const { compilerOptions } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as {
    compilerOptions: { paths: Record<string, string[]> };
  };

  expect(compilerOptions.paths).toEqual({ 'hal9-migration': ['./lib/migration/built-in-migration.ts'] });
});
