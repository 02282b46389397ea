import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { itemOfRow, rowOfItem } from '../../../lib/dynamodb/attribute-values.ts';
import type { TableLayout } from '../../../lib/dynamodb/table-layout.ts';
import { smallDefinition } from '../../simulation/definition.ts';

const layout: TableLayout = {
  table: { ...smallDefinition.tables[0]!, columns: [{ name: 'ratio', storage: 'real', nullable: true }] },
  name: 'sessions',
  key: [{ name: 'id', type: 'S' }],
  streamArn: null,
  streamView: null,
  estimatedRows: 0,
  sizeBytes: 0,
};

test('an item is the same item again', () => {
  const number = fc.oneof(
    fc.maxSafeInteger().map(String),
    fc.constantFrom('123456789012345678901234567890', '0.1', '1.5', '0.1234567890123456789', '-7.25'),
  );
  const scalar: fc.Arbitrary<AttributeValue> = fc.oneof(
    fc.string().map((S) => ({ S })),
    fc.constantFrom('{"S":"x"}', '{"M":{}}', '{"N":1', '{"M":').map((S) => ({ S })),
    number.map((N) => ({ N })),
    fc.uint8Array({ maxLength: 8 }).map((B) => ({ B: new Uint8Array(B) })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.uniqueArray(fc.string(), { minLength: 1 }).map((texts) => ({ SS: texts.toSorted() })),
  );
  const attribute: fc.Arbitrary<AttributeValue> = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 3 }).map((L) => ({ L })),
    fc.dictionary(fc.constantFrom('a', 'b'), scalar).map((M) => ({ M })),
  );

  fc.assert(
    fc.property(attribute, (value) => {
      const item = { id: { S: 'k' }, value };
      expect(itemOfRow(rowOfItem(layout, item))).toEqual(item);
    }),
  );
});

test('whole numbers are integers, but of a real column', () => {
  const item = { id: { S: 'k' }, count: { N: '9007199254740993' }, ratio: { N: '2' } };

  expect(rowOfItem(layout, item)).toEqual({ id: 'k', count: 9_007_199_254_740_993n, ratio: 2 });
});

test('two orders of the same members are one value', () => {
  const left = rowOfItem(layout, { id: { S: 'k' }, value: { M: { a: { S: '1' }, b: { SS: ['y', 'x'] } } } });
  const right = rowOfItem(layout, { id: { S: 'k' }, value: { M: { b: { SS: ['x', 'y'] }, a: { S: '1' } } } });

  expect(left).toEqual(right);
});
