import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeKey, encodeKey, keyOfPk, recordPk } from '../../../lib/migration/key.ts';

const keyPart = fc.oneof(
  fc.bigInt(),
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[%|#u0-9A-F]{0,8}$/),
  // Code units, so that lone surrogates occur.
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 })).map((units) => String.fromCharCode(...units)),
);
const keyParts = fc.array(keyPart, { minLength: 1, maxLength: 4 });

describe('an encoded key', () => {
  it('is decoded to the same parts', () => {
    fc.assert(
      fc.property(keyParts, (parts) => {
        expect(decodeKey(encodeKey(parts))).toEqual(parts);
      }),
    );
  });

  it('differs when the parts differ', () => {
    fc.assert(
      fc.property(keyParts, keyParts, (left, right) => {
        const same = left.length === right.length && left.every((part, at) => part === right[at]);

        expect(encodeKey(left) === encodeKey(right)).toBe(same);
      }),
    );
  });

  it('is well-formed text whatever is in it', () => {
    fc.assert(fc.property(keyParts, (parts) => encodeKey(parts).isWellFormed()));
  });

  it('reads well for ordinary keys', () => {
    expect(encodeKey(['strategic-main', 7n, '#1', 'a|b%'])).toBe('strategic-main|#7|%231|a%7Cb%25');
  });

  it('makes the partition key together with the record type, and back', () => {
    const key = { recordType: 'session', id: encodeKey(['a/b']) };

    expect(keyOfPk(recordPk(key))).toEqual(key);
  });

  it('needs at least one part', () => {
    expect(() => encodeKey([])).toThrow(TypeError);
  });
});
