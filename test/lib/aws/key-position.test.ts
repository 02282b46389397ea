import fc from 'fast-check';
import { expect, test } from 'vitest';

import { keyPosition } from '../../../lib/aws/key-position.ts';
import { compareKeyParts } from '../../../lib/memory/key-order.ts';

test('positions have the order of the primary keys they stand for', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\u0000', '\u0001', 'é', '\u{1F600}', '\uFFFF') });
  const part = fc.oneof(text, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
  const key = fc.tuple(part, part);

  fc.assert(
    fc.property(key, key, (left, right) => {
      const order = Buffer.compare(Buffer.from(keyPosition(left)), Buffer.from(keyPosition(right)));
      expect(Math.sign(order)).toBe(Math.sign(compareKeyParts(left, right)));
    }),
  );
});
