import type { FlatValue } from '../row.ts';
import { rejected, shaped, unexpectedShape, type ColumnCodec, type Shape } from './shape.ts';

/** How one flat system spells an instant; `other` is anything that we can read and would not write. */
export type TimestampForm = 'epoch-s' | 'epoch-ms' | 'rfc3339' | 'sql' | 'other';

/** Whole numbers below this are seconds (until the year 5138), above it milliseconds (since 1973). */
const firstMillisecond = 100_000_000_000;

/** Years 0000 to 9999: what every reader of the hierarchical store can parse. */
const minMs = Date.parse('0000-01-01T00:00:00.000Z');
const maxMs = Date.parse('9999-12-31T23:59:59.999Z');

/** Milliseconds since the epoch; null when the value is no timestamp. Parts below a millisecond are cut. */
export function parseTimestamp(value: FlatValue): number | null {
  const ms = readMs(value);
  if (ms === null || !Number.isFinite(ms)) return null;
  const whole = Math.floor(ms);
  return whole >= minMs && whole <= maxMs ? whole : null;
}

/**
 * Instants in any of the spellings that flat stores hold (epoch seconds, epoch milliseconds, RFC 3339,
 * `YYYY-MM-DD HH:MM:SS` in UTC) as ISO 8601 in UTC with milliseconds. An instant without a spelling of its own
 * comes back as epoch milliseconds.
 */
export const timestampCodec: ColumnCodec = {
  toShape(value): Shape {
    if (value === null) return shaped(null);
    const ms = parseTimestamp(value);
    return ms === null
      ? rejected('InvalidTimestamp', `${describe(value)} is no timestamp of the years 0000 to 9999`)
      : shaped(new Date(ms).toISOString());
  },
  fromShape(shape, original = null) {
    if (shape === null) return null;
    const ms = typeof shape === 'string' ? Date.parse(shape) : Number.NaN;
    if (Number.isNaN(ms)) throw unexpectedShape('an ISO 8601 timestamp', shape);
    return spell(ms, formOf(original));
  },
};

function formOf(value: FlatValue): TimestampForm {
  if (typeof value === 'bigint') return isSeconds(Number(value)) ? 'epoch-s' : 'epoch-ms';
  if (typeof value !== 'string') return 'other';
  if (sqlText.test(value)) return 'sql';
  return rfc3339.test(value) ? 'rfc3339' : 'other';
}

/** The instant in the form; in epoch milliseconds where the form has no room for them. */
export function spell(ms: number, form: TimestampForm): FlatValue {
  const iso = new Date(ms).toISOString();
  if (form === 'rfc3339') return iso;
  if (form === 'sql') return iso.slice(0, 23).replace('T', ' ').replace('.000', '');
  return form === 'epoch-s' && ms % 1000 === 0 ? BigInt(ms / 1000) : BigInt(ms);
}

const rfc3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}(?::?\d{2})?)$/;
const sqlText = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d{1,9})?$/;
const digits = /^-?\d{1,15}$/;

function readMs(value: FlatValue): number | null {
  if (typeof value === 'bigint') return epochMs(Number(value));
  if (typeof value === 'number') return epochMs(value);
  return typeof value === 'string' ? readText(value) : null;
}

function epochMs(value: number): number {
  return isSeconds(value) ? value * 1000 : value;
}

function isSeconds(value: number): boolean {
  return Math.abs(value) < firstMillisecond;
}

function readText(text: string): number | null {
  if (digits.test(text)) return epochMs(Number(text));
  const [, date, time, fraction, zone] = rfc3339.exec(text) ?? sqlText.exec(text) ?? [];
  if (date === undefined || time === undefined) return null;
  const ms = Date.parse(`${date}T${time}Z`);
  // Date.parse rolls 30 February over to March.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== date) return null;
  return ms + fractionMs(fraction) - offsetMs(zone);
}

function fractionMs(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Math.floor(Number(`${fraction}e3`));
}

function offsetMs(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.length > 3 ? zone.slice(-2) : 0);
  return (zone.startsWith('-') ? -1 : 1) * minutes * 60_000;
}

function describe(value: FlatValue): string {
  if (value instanceof Uint8Array) return `a blob of ${value.length} bytes`;
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value);
}
