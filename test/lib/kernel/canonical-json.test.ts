import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonicalJson, parseExactJson } from '../../../lib/kernel/canonical-json.ts';

const jsonWithoutNegativeZero = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);

describe('canonical JSON', () => {
  it('is read back to the same value', () => {
    fc.assert(
      fc.property(jsonWithoutNegativeZero, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  it('does not depend on the order in which members were added', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.integer()), (members) => {
        const backwards = Object.fromEntries(Object.entries(members).toReversed());

        expect(canonicalJson(backwards)).toBe(canonicalJson(members));
      }),
    );
  });

  it('keeps integers beyond 2^53 exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }), (value) => {
        expect(parseExactJson(canonicalJson({ value }))).toEqual({ value });
      }),
    );
  });

  it('keeps exact integers wherever they stand beside long fractions and texts', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }), fc.boolean(), (whole, isNegative) => {
        const value = isNegative ? -whole : whole;
        const text = `{"f":0.1234567890123456,"t":"a.12345678901234567","n": ${value},"l":[1.5,${value}]}`;
        expect(parseExactJson(text)).toMatchObject({ f: 0.1234567890123456, n: value, l: [1.5, value] });
        expect(parseExactJson(String(value))).toBe(value);
      }),
    );
  });

  it('keeps composed and decomposed characters apart', () => {
    expect(canonicalJson('\u00e9')).not.toBe(canonicalJson('e\u0301'));
  });

  it('sorts members by code unit at every depth', () => {
    expect(canonicalJson({ b: 1, a: { z: null, Z: [true, 'x'] } })).toBe(
      '{"a":{"Z":[true,"x"],"z":null},"b":1}',
    );
  });

  it.each([
    ['NaN', Number.NaN],
    ['an infinity', Number.POSITIVE_INFINITY],
    ['-0', -0],
    ['undefined', { a: undefined }],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udc00': 1 }],
    ['bytes', new Uint8Array(1)],
    ['a date', new Date(0)],
  ])('refuses %s', (_name, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});
