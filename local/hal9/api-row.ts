import type { ColumnDefinition } from '../../lib/migration/definition.ts';
import { decodeKey } from '../../lib/migration/key.ts';
import type { FlatRow, FlatValue } from '../../lib/migration/row.ts';
import type { MigratedTable } from '../../lib/migration/table-lookup.ts';

/** A row as the API shows it: a JSON object with a member for each column. */
export type ApiRow = Readonly<Record<string, unknown>>;

export type ParsedRow =
  | { readonly kind: 'row'; readonly row: FlatRow }
  | { readonly kind: 'invalid'; readonly message: string };

/**
 * Integers that a double cannot hold are strings of digits. What JSON has no form for, or a form that would be read
 * back as something else, is `{"$i":"1"}`, `{"$r":"-0"}` or `{"$b":"base64"}`. Values computed from other tables are
 * left out, since users cannot write them.
 */
export function presentRow(table: MigratedTable, row: FlatRow): ApiRow {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => !name.startsWith('derived.'))
      .map(([name, value]) => [name, presentValue(value, storageOf(table, name))]),
  );
}

/**
 * A whole row from the body of a request: key columns come from the path (and may be repeated), nullable columns may
 * be left out, columns that the definition does not list are carried along.
 */
export function parseRow(table: MigratedTable, id: string, body: unknown): ParsedRow {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { kind: 'invalid', message: 'the body must be a JSON object with a member for each column' };
  }
  const faults: string[] = [];
  const row: Record<string, FlatValue> = keyColumnsOf(table, id);
  const nullable = table.columns.filter((column) => column.nullable).map(({ name }) => [name, null]);
  const members = Object.entries({ ...Object.fromEntries(nullable), ...body } as ApiRow);
  for (const [name, given] of members) {
    const fault = addColumn(table, row, name, given);
    if (fault !== null) faults.push(fault);
  }
  for (const { name } of table.columns) {
    if (!Object.hasOwn(row, name)) faults.push(`column ${name} is missing`);
  }
  return faults.length === 0 ? { kind: 'row', row } : { kind: 'invalid', message: faults.join('; ') };
}

function keyColumnsOf(table: MigratedTable, id: string): Record<string, FlatValue> {
  const parts = decodeKey(id);
  return Object.fromEntries(table.keyColumns.map((name, index) => [name, parts[index] ?? null]));
}

/** Adds the value; returns what is wrong with it instead. */
function addColumn(
  table: MigratedTable,
  row: Record<string, FlatValue>,
  name: string,
  given: unknown,
): string | null {
  if (!columnName.test(name)) return `${JSON.stringify(name)} is no column name`;
  const column = table.columns.find((candidate) => candidate.name === name);
  const value = parseValue(given, column?.storage ?? 'any');
  if (value === undefined) return `column ${name} cannot hold ${JSON.stringify(given)?.slice(0, 80)}`;
  if (table.keyColumns.includes(name)) {
    return row[name] === value ? null : `column ${name} is not the one of the path`;
  }
  if (value === null && column?.nullable === false) return `column ${name} cannot be null`;
  row[name] = value;
  return null;
}

const columnName = /^[A-Za-z_][A-Za-z0-9_]*$/;

type Storage = ColumnDefinition['storage'];

function storageOf(table: MigratedTable, name: string): Storage {
  return table.columns.find((column) => column.name === name)?.storage ?? 'any';
}

function presentValue(value: FlatValue, storage: Storage): unknown {
  if (typeof value === 'bigint') return presentInteger(value, storage);
  if (typeof value === 'number') return presentReal(value, storage);
  if (value instanceof Uint8Array) return { $b: Buffer.from(value).toString('base64') };
  return value;
}

function presentInteger(value: bigint, storage: Storage): unknown {
  const number = Number(value);
  const isPlain = storage === 'integer' || storage === 'any';
  if (Number.isSafeInteger(number)) return isPlain ? number : { $i: value.toString() };
  return storage === 'integer' ? value.toString() : { $i: value.toString() };
}

function presentReal(value: number, storage: Storage): unknown {
  const isReadAsInteger = storage !== 'real' && Number.isInteger(value);
  const isJson = Number.isFinite(value) && !Object.is(value, -0);
  return isJson && !isReadAsInteger ? value : { $r: Object.is(value, -0) ? '-0' : String(value) };
}

/** undefined: not a value that the column can hold. */
function parseValue(given: unknown, storage: Storage): FlatValue | undefined {
  if (given === null) return null;
  if (typeof given === 'string') return storage === 'integer' ? parseDigits(given) : given;
  if (typeof given === 'bigint') return storage === 'real' ? Number(given) : given;
  if (typeof given === 'number') {
    return storage !== 'real' && Number.isSafeInteger(given) ? BigInt(given) : given;
  }
  return typeof given === 'object' ? parseTagged(given) : undefined;
}

/** A text in an integer column stays a text: it is the store's, and in the end the migration's, to refuse. */
function parseDigits(text: string): FlatValue {
  return /^-?\d{1,19}$/.test(text) ? BigInt(text) : text;
}

function parseTagged(given: object): FlatValue | undefined {
  const { $i, $r, $b } = given as { $i?: unknown; $r?: unknown; $b?: unknown };
  if (typeof $i === 'string' && /^-?\d{1,19}$/.test($i)) return BigInt($i);
  if (typeof $r === 'string' && ($r === 'NaN' || !Number.isNaN(Number($r)))) return Number($r);
  if (typeof $b === 'string') return new Uint8Array(Buffer.from($b, 'base64'));
  return undefined;
}
