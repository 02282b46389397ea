import type { ColumnDefinition } from '../migration/definition.ts';
import type { FlatValue } from '../migration/row.ts';

/** How values of a column travel between PostgreSQL and a flat row. */
export type ColumnKind = 'integer' | 'boolean' | 'real' | 'bytes' | 'instant' | 'json' | 'numeric' | 'text';

type Storage = ColumnDefinition['storage'];

const kinds: Readonly<Record<string, ColumnKind>> = {
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  bool: 'boolean',
  float4: 'real',
  float8: 'real',
  bytea: 'bytes',
  timestamptz: 'instant',
  json: 'json',
  jsonb: 'json',
  numeric: 'numeric',
};

/** Kind of a base type by its name in `pg_type`; whatever has no kind of its own travels as its text. */
export function kindOfType(typeName: string): ColumnKind {
  return kinds[typeName] ?? 'text';
}

/** Kinds whose values have the storage class that a definition asks for. */
export const acceptableKinds: Readonly<Record<Storage, readonly ColumnKind[]>> = {
  text: ['text', 'instant', 'json', 'numeric'],
  integer: ['integer', 'boolean', 'numeric'],
  real: ['real'],
  blob: ['bytes'],
  any: ['integer', 'boolean', 'real', 'bytes', 'instant', 'json', 'numeric', 'text'],
};

/** SQL that gives a column as text without loss: single precision is widened, as a row holds doubles. */
export function readExpression(kind: ColumnKind, column: string): string {
  return kind === 'real' ? `(${column})::float8::text` : `(${column})::text`;
}

export function decodeValue(kind: ColumnKind, storage: Storage, text: string | null): FlatValue {
  return text === null ? null : decoders[kind](text, storage);
}

const decoders: Readonly<Record<ColumnKind, (text: string, storage: Storage) => FlatValue>> = {
  integer: (text) => BigInt(text),
  boolean: (text) => (text === 'true' ? 1n : 0n),
  real: (text) => Number(text),
  bytes: (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex')),
  instant: (text) => instantText(text),
  numeric: (text, storage) => (storage !== 'text' && wholeNumber.test(text) ? BigInt(text) : text),
  json: (text, storage) => (storage === 'any' ? scalarOfJson(text) : text),
  text: (text) => text,
};

/** What PostgreSQL reads as the value of a column. Throws RangeError for a text that no PostgreSQL can hold. */
export function encodeValue(kind: ColumnKind, storage: Storage, value: FlatValue): string | null {
  if (value === null) return null;
  if (kind === 'json' && storage === 'any') return jsonOfScalar(value);
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'number') return realText(value);
  if (kind === 'boolean' && (value === 0n || value === 1n)) return value === 1n ? 'true' : 'false';
  const text = String(value);
  if (!isStorable(text)) throw new RangeError('a text holds U+0000 or a lone surrogate');
  return text;
}

/** PostgreSQL holds well-formed Unicode without U+0000. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

const wholeNumber = /^-?\d+$/;

/** RFC 3339 for what can be said so; `infinity` and years beyond 9999 stay as they are. */
function instantText(text: string): string {
  const parts = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d+)?)\+00$/.exec(text);
  return parts === null ? text : `${parts[1]}T${parts[2]}Z`;
}

function realText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** A column of any storage class is a JSON scalar; bytes are `{"$b":"base64"}`. */
function scalarOfJson(text: string): FlatValue {
  if (wholeNumber.test(text) && text !== '-0') return BigInt(text);
  const value: unknown = JSON.parse(text);
  if (value === null || typeof value === 'number' || typeof value === 'string') return value;
  const { $b } = value as { readonly $b?: unknown };
  return typeof $b === 'string' ? new Uint8Array(Buffer.from($b, 'base64')) : text;
}

function jsonOfScalar(value: Exclude<FlatValue, null>): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return JSON.stringify({ $b: Buffer.from(value).toString('base64') });
  if (typeof value === 'number') {
    const text = realText(value);
    return wholeNumber.test(text) ? `${text}.0` : text;
  }
  if (!isStorable(value)) throw new RangeError('a text holds U+0000 or a lone surrogate');
  return JSON.stringify(value);
}
