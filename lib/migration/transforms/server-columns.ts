import { column, optional } from './columns.ts';
import { integerCodec, plainNumber } from './scalar-codecs.ts';
import { rejected, shaped, unexpectedShape, type ColumnCodec } from './shape.ts';
import type { ShapedColumn } from './shaped-table.ts';

// A running server spells the same value in two ways, one per engine: both are read, and each comes back as it was.

/** A column that only some versions of the server have. */
export function variant(known: ShapedColumn): ShapedColumn {
  return { ...optional(known), mayBeAbsent: true };
}

/** Texts and UUIDs in one version, counted integers in another. */
export function identity(name: string, path: string): ShapedColumn {
  return column(name, 'any', path, identityCodec);
}

/** 0 and 1, or `true` and `false` as PostgreSQL spells them. */
export function flag(name: string, path: string): ShapedColumn {
  return column(name, 'any', path, flagCodec);
}

/** A measured value: a double, an integer, or an exact decimal as text. */
export function measure(name: string, path: string): ShapedColumn {
  return column(name, 'any', path, measureCodec);
}

const identityCodec: ColumnCodec = {
  toShape: (value) => {
    if (typeof value === 'bigint') return integerCodec.toShape(value);
    return typeof value === 'string' || value === null
      ? shaped(value)
      : rejected('InvalidIdentity', 'an identity is a text or an integer');
  },
  fromShape: (shape) => (typeof shape === 'string' ? shape : integerCodec.fromShape(shape)),
};

const spellings: Readonly<Record<string, boolean>> = { true: true, t: true, false: false, f: false };

const flagCodec: ColumnCodec = {
  toShape(value) {
    if (value === null) return shaped(null);
    if (typeof value === 'bigint') return shaped(value !== 0n);
    const meant = typeof value === 'string' ? spellings[value] : undefined;
    return meant === undefined ? rejected('InvalidFlag', 'a flag is 0, 1, true or false') : shaped(meant);
  },
  fromShape(shape, original = null) {
    if (shape === null) return null;
    if (typeof shape !== 'boolean') throw unexpectedShape('a boolean', shape);
    if (typeof original !== 'string') return shape ? 1n : 0n;
    return original.length === 1 ? String(shape).charAt(0) : String(shape);
  },
};

const measureCodec: ColumnCodec = {
  toShape(value) {
    if (typeof value === 'number') return shaped(plainNumber(value));
    if (typeof value === 'bigint') return integerCodec.toShape(value);
    return value instanceof Uint8Array
      ? rejected('InvalidNumber', 'a measured value is no blob')
      : shaped(value);
  },
  fromShape(shape) {
    if (shape === null || typeof shape === 'string') return shape;
    if (typeof shape === 'number' || typeof shape === 'bigint') return Number(shape);
    throw unexpectedShape('a number', shape);
  },
};
