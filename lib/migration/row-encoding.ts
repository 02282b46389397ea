import type { FlatRow, FlatValue } from './row.ts';

/**
 * A row as JSON text without loss. Texts, null and ordinary numbers stay plain; bigint is `{"$i":"1"}`, -0,
 * infinities and whole numbers of 2^53 and more are `{"$r":"-0"}`, bytes are `{"$b":"base64"}`.
 */
export function encodeRow(row: FlatRow): string {
  return JSON.stringify(encodedRow(row));
}

/** Inverse of `encodeRow`. Throws TypeError on a value that it never makes. */
export function decodeRow(text: string): FlatRow {
  return decodedRow(JSON.parse(text) as unknown);
}

/** `encodeRow` without the text, to nest a row in a message. */
export function encodedRow(row: FlatRow): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, encodeValue(value)]));
}

export function decodedRow(value: unknown): FlatRow {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not a row');
  return Object.fromEntries(Object.entries(value).map(([name, encoded]) => [name, decodeValue(encoded)]));
}

/** One value of `encodedRow`. */
export function encodeValue(value: FlatValue): unknown {
  if (typeof value === 'bigint') return { $i: value.toString() };
  if (typeof value === 'number') return isPlainNumber(value) ? value : { $r: numberName(value) };
  if (value instanceof Uint8Array) return { $b: Buffer.from(value).toString('base64') };
  return value;
}

function decodeValue(encoded: unknown): FlatValue {
  if (encoded === null || typeof encoded === 'string' || typeof encoded === 'number') return encoded;
  if (typeof encoded === 'object') {
    const { $i, $r, $b } = encoded as { $i?: unknown; $r?: unknown; $b?: unknown };
    if (typeof $i === 'string') return BigInt($i);
    if (typeof $r === 'string') return Number($r);
    if (typeof $b === 'string') return new Uint8Array(Buffer.from($b, 'base64'));
  }
  throw new TypeError('not an encoded value of a row');
}

/** A whole number of 2^53 or more would be read back from exact JSON as an integer, which it is not. */
function isPlainNumber(value: number): boolean {
  if (!Number.isFinite(value) || Object.is(value, -0)) return false;
  return Number.isSafeInteger(value) || !Number.isInteger(value);
}

function numberName(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
