import { expect, test } from 'vitest';

import { describeShape, sourceShape } from '../../../lib/migration/source-shape.ts';

const categories = ['user-sessions', 'configuration'];

test('a shape says its name, what is absent, and which categories are empty for that', () => {
  const shape = sourceShape(
    [
      { table: 'users', category: 'user-sessions', mapping: 'server' },
      { table: 'api_keys', category: 'user-sessions', mapping: 'server', absent: true },
    ],
    categories,
  );

  expect(describeShape(shape)).toBe('server schema, no table api_keys, nothing of configuration');
});

test('a complete store of a definition with one shape needs no words', () => {
  const shape = sourceShape(
    categories.map((category) => ({ table: category, category })),
    categories,
  );

  expect(describeShape(shape)).toBe('');
});
