/**
 * The one text of a JSON value: keys sorted by code unit, no white space, strings exactly as given (no Unicode
 * normalisation: two strings that differ in bytes are two strings), numbers in their shortest exact decimal form,
 * bigints as integer digits. What has no exact text is refused, never approximated: NaN, infinities, -0,
 * undefined, lone surrogates, and objects that are not plain.
 * Throws TypeError.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value === null) return 'null';
  if (typeof value === 'object') return canonicalObject(value);
  throw new TypeError(`canonical JSON cannot hold a value of type ${typeof value}`);
}

/** Reads JSON text; integers that a double cannot hold exactly come back as bigint, everything else as JSON.parse does. */
export function parseExactJson(text: string): unknown {
  if (!longDigits.test(text)) return JSON.parse(text) as unknown;
  return JSON.parse(text, reviveExactInteger as (key: string, value: unknown) => unknown) as unknown;
}

/** Digits behind a point are none of an integer; most long ones are. */
const longDigits = /(?:^|[^.\d])\d{16}/;
const integerText = /^-?\d+$/;

function reviveExactInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return context.source !== undefined && integerText.test(context.source) ? BigInt(context.source) : value;
}

function canonicalString(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('canonical JSON cannot hold a lone surrogate');
  return JSON.stringify(text);
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`canonical JSON cannot hold ${String(value)}`);
  if (Object.is(value, -0)) throw new TypeError('canonical JSON cannot hold -0');
  return String(value);
}

function canonicalObject(value: object): string {
  if (Array.isArray(value)) return `[${value.map((element) => canonicalJson(element)).join(',')}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('canonical JSON holds plain objects only');
  }
  const members = Object.keys(value)
    .toSorted()
    .map((name) => `${canonicalString(name)}:${canonicalJson((value as Record<string, unknown>)[name])}`);
  return `{${members.join(',')}}`;
}
