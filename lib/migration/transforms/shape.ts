import type { Conversion } from '../definition.ts';
import type { FlatValue } from '../row.ts';

export type Rejection = Extract<Conversion, { readonly kind: 'rejected' }>;

/** The hierarchical form of one column: a JSON value that canonical JSON can hold. */
export type Shape = { readonly kind: 'shaped'; readonly value: unknown } | Rejection;

/**
 * Both directions of one column. `toShape` may lose what only the flat spelling carries (the form of a timestamp,
 * white space in JSON, the sign of zero): whatever `fromShape` does not give back exactly goes to the residual.
 */
export interface ColumnCodec {
  toShape(value: FlatValue): Shape;
  /**
   * `original` is the flat value that an older shape was made from, so that a changed value keeps its spelling.
   * Throws TypeError on a JSON value of the wrong kind.
   */
  fromShape(shape: unknown, original?: FlatValue): FlatValue;
}

export function shaped(value: unknown): Shape {
  return { kind: 'shaped', value };
}

export function rejected(errorName: string, message: string): Rejection {
  return { kind: 'rejected', errorName, message };
}

/** Same value of the same storage class; 0 and -0 differ, as do 1 (REAL) and 1n (INTEGER). */
export function sameValue(left: FlatValue | undefined, right: FlatValue | undefined): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) {
    return left.length === right.length && left.every((byte, at) => byte === right[at]);
  }
  return Object.is(left, right);
}

export function unexpectedShape(expected: string, found: unknown): TypeError {
  return new TypeError(`expected ${expected}, found ${found === null ? 'null' : typeof found}`);
}
