import type { ColumnDefinition } from '../migration/definition.ts';
import { decodedRow } from '../migration/row-encoding.ts';
import type { FlatRow, FlatValue } from '../migration/row.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';

/** What one line holds: a row, and its table where the file does not name it. */
export interface LineContent {
  readonly table: MigratedTable;
  readonly row: FlatRow;
  /** What the line itself names, before columns that it leaves out are null. */
  readonly names: Iterable<string>;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);
}

/**
 * Reads `{"column": value}`, or without a table of the file `{"table": "users", "row": {...}}`. Integers are exact
 * whatever their length, a number with fraction or exponent is a real, true and false are 1 and 0, an object or array
 * is its JSON text, and `{"$i"}`, `{"$r"}` and `{"$b"}` are what `encodeRow` makes of integers, reals and bytes.
 * Throws Error with what is wrong.
 */
export function readLine(
  bytes: Uint8Array,
  table: MigratedTable | null,
  tables: readonly MigratedTable[],
): LineContent {
  const value = exactJson(utf8.decode(bytes));
  if (table !== null) return contentOf(value, table);
  if (!(value instanceof Map)) throw new TypeError('it is no object');
  const name: unknown = value.get('table');
  const known = tables.find((candidate) => candidate.table === name);
  if (typeof name !== 'string' || !value.has('row') || value.size !== 2)
    throw new TypeError('it is not {"table": ..., "row": ...}, and the name of the file names no table');
  if (known === undefined) throw new TypeError(`the migration has no table ${name}`);
  return contentOf(value.get('row'), known);
}

function contentOf(value: unknown, table: MigratedTable): LineContent {
  if (!(value instanceof Map)) throw new TypeError('its row is no object');
  const row: Record<string, FlatValue> = Object.create(null) as Record<string, FlatValue>;
  for (const [name, member] of value as Map<string, unknown>) {
    if (name === '__proto__' || name.startsWith('derived.'))
      throw new TypeError(`the name ${name} is reserved`);
    row[name] = flatValue(
      member,
      table.columns.find((column) => column.name === name),
    );
  }
  // What an export leaves out is what the store would have as NULL.
  for (const { name, mayBeAbsent } of table.columns) if (mayBeAbsent !== true) row[name] ??= null;
  return { table, row: { ...row }, names: (value as Map<string, unknown>).keys() };
}

/** A number as its digits, since a double may not hold them. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Objects become maps, so that no name is special. */
function exactJson(text: string): unknown {
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as unknown;
}

function revive(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value === 'number') return new Digits(source ?? String(value));
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Digits)
    return value;
  return value instanceof Map ? value : new Map(Object.entries(value));
}

const wholeNumber = /^-?\d+$/;

function flatValue(value: unknown, column: ColumnDefinition | undefined): FlatValue {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (value instanceof Digits) return numberOf(value.text, column);
  const encoded = value instanceof Map ? encodedScalar(value as Map<string, unknown>) : undefined;
  return encoded === undefined ? jsonText(value) : encoded;
}

function numberOf(text: string, column: ColumnDefinition | undefined): FlatValue {
  if (!wholeNumber.test(text) || text === '-0') {
    const real = Number(text);
    if (!Number.isFinite(real)) throw new RangeError(`the number ${text.slice(0, 40)} is too large`);
    return real;
  }
  const exact = BigInt(text);
  if (column?.storage !== 'real') return exact;
  const real = Number(text);
  // A real that was written without its fraction.
  return Number.isFinite(real) && BigInt(real) === exact ? real : exact;
}

function encodedScalar(value: ReadonlyMap<string, unknown>): FlatValue | undefined {
  const [entry] = value;
  if (value.size !== 1 || entry === undefined) return undefined;
  const [name, content] = entry;
  if (!['$i', '$r', '$b'].includes(name) || typeof content !== 'string') return undefined;
  return decodedRow({ value: { [name]: content } })['value'];
}

function jsonText(value: unknown): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map((element) => jsonText(element)).join(',')}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  const members = [...(value as Map<string, unknown>)].map(
    ([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`,
  );
  return `{${members.join(',')}}`;
}
