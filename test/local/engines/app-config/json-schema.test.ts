import { expect, test } from 'vitest';

import { validateJson } from '../../../../local/engines/app-config/json-schema.ts';

const schema = {
  $schema: 'http://json-schema.org/draft-04/schema#',
  type: 'object',
  required: ['percent', 'features'],
  additionalProperties: false,
  properties: {
    percent: { type: 'integer', minimum: 0, maximum: 100 },
    share: { type: 'number', minimum: 0, exclusiveMinimum: true },
    mode: { enum: ['on', 'off', null] },
    tags: { type: 'array', items: { type: 'string', pattern: '^[a-z]+$' }, uniqueItems: true, maxItems: 2 },
    features: { type: 'object', patternProperties: { '^f-': { $ref: '#/definitions/feature' } } },
    either: {
      oneOf: [
        { type: 'string', maxLength: 2 },
        { type: 'integer', multipleOf: 5 },
      ],
    },
    never: { not: { anyOf: [{ type: 'string' }, { allOf: [{ type: 'number' }, { minimum: 10 }] }] } },
  },
  definitions: {
    feature: { type: 'object', required: ['enabled'], properties: { enabled: { type: 'boolean' } } },
  },
};
const good = { percent: 10, features: { 'f-a': { enabled: true }, other: 1 } };

test('a document that keeps the schema has no faults', () => {
  const extras = { share: 0.1, mode: null, tags: ['a', 'b'], either: 10, never: 9 };

  expect(validateJson(schema, { ...good, ...extras })).toEqual([]);
});

test.each<[object, string]>([
  [{ percent: 101 }, '/percent'],
  [{ percent: -1 }, '/percent'],
  [{ percent: 1.5 }, '/percent'],
  [{ percent: '1' }, '/percent'],
  [{ share: 0 }, '/share'],
  [{ mode: 'maybe' }, '/mode'],
  [{ tags: ['A'] }, '/tags/0'],
  [{ tags: ['a', 'a'] }, '/tags'],
  [{ tags: ['a', 'b', 'c'] }, '/tags'],
  [{ features: { 'f-a': {} } }, '/features/f-a'],
  [{ features: { 'f-a': { enabled: 1 } } }, '/features/f-a/enabled'],
  [{ either: 'long' }, '/either'],
  [{ either: 7 }, '/either'],
  [{ never: 'text' }, '/never'],
  [{ never: 10 }, '/never'],
  [{ unknown: 1 }, '/unknown'],
])('%j is refused at %s', (change, location) => {
  const faults = validateJson(schema, { ...good, ...change });

  expect(faults.map((fault) => fault.location)).toEqual([location]);
});

test('what is missing is named', () => {
  expect(validateJson(schema, { percent: 1 })).toEqual([
    { location: '', reason: 'lacks the property features' },
  ]);
});
