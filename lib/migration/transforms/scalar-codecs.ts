import type { FlatValue } from '../row.ts';
import { shaped, unexpectedShape, type ColumnCodec } from './shape.ts';

// Storage classes and well-formed texts are checked for the whole row before any codec sees a value.

export const textCodec: ColumnCodec = {
  toShape: (value) => shaped(value),
  fromShape(shape) {
    if (shape === null || typeof shape === 'string') return shape;
    throw unexpectedShape('a text', shape);
  },
};

export const integerCodec: ColumnCodec = {
  toShape: (value) => shaped(typeof value === 'bigint' ? readableInteger(value) : null),
  fromShape(shape) {
    if (shape === null || typeof shape === 'bigint') return shape;
    if (typeof shape === 'number' && Number.isInteger(shape)) return BigInt(shape);
    throw unexpectedShape('an integer', shape);
  },
};

/** 0 and 1 as false and true; another integer counts as true and keeps its value in the residual. */
export const booleanCodec: ColumnCodec = {
  toShape: (value) => shaped(value === null ? null : value !== 0n),
  fromShape(shape) {
    if (shape === null) return null;
    if (typeof shape === 'boolean') return shape ? 1n : 0n;
    throw unexpectedShape('a boolean', shape);
  },
};

/** 0 and 1 as one of two names. */
export function namedBooleanCodec(names: { readonly no: string; readonly yes: string }): ColumnCodec {
  return {
    toShape: (value) => shaped(value === null ? null : value === 0n ? names.no : names.yes),
    fromShape(shape) {
      if (shape === null) return null;
      if (shape === names.no) return 0n;
      if (shape === names.yes) return 1n;
      throw unexpectedShape(`"${names.no}" or "${names.yes}"`, shape);
    },
  };
}

/**
 * A column of single precision numbers that the flat store widened to doubles: rounding makes equal what was equal.
 * What JSON has no number for (-0, infinities) is 0 or null beside the residual. `whenNull` is the value that the
 * hierarchical system assumes.
 */
export function singleCodec(whenNull: number | null = null): ColumnCodec {
  const assumed = whenNull === null ? null : Math.fround(whenNull);
  return {
    toShape: (value) => shaped(typeof value === 'number' ? plainNumber(Math.fround(value)) : assumed),
    fromShape(shape): FlatValue {
      if (shape === null) return null;
      // Whole numbers of 2^53 and more are read back as bigint.
      if (typeof shape === 'number' || typeof shape === 'bigint') return Number(shape);
      throw unexpectedShape('a number', shape);
    },
  };
}

/** As text in the flat store, one of a few names in the hierarchical one; unknown spellings count as `otherwise`. */
export function enumerationCodec(names: Readonly<Record<string, string>>, otherwise: string): ColumnCodec {
  const spellings = new Map(Object.entries(names).map(([spelling, name]) => [name, spelling]));
  return {
    toShape: (value) =>
      shaped(typeof value === 'string' ? (names[value.trim().toLowerCase()] ?? otherwise) : null),
    fromShape(shape) {
      if (shape === null) return null;
      const spelling = typeof shape === 'string' ? spellings.get(shape) : undefined;
      if (spelling !== undefined) return spelling;
      throw unexpectedShape(`one of ${[...spellings.keys()].join(', ')}`, shape);
    },
  };
}

/** A number of a body as JSON can carry it: finite and without negative zero. */
export function plainNumber(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  return value === 0 ? 0 : value;
}

function readableInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
