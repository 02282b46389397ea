import { HalError } from '../kernel/errors.ts';
import type { MigratedTable } from './table-lookup.ts';
import type { FlatRow } from './row.ts';

/** `name` is a column of the row or a member of the converted record; `active` asks whether it has not expired. */
export interface RowFilter {
  readonly name: string;
  readonly values: readonly string[];
}

/** Reads `layer=substrate` or `kind=metrics,logs`. Throws HalError `FilterInvalid`. */
export function parseRowFilter(text: string): RowFilter {
  const cut = text.indexOf('=');
  const name = text.slice(0, Math.max(0, cut)).trim();
  const values = text
    .slice(cut + 1)
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
  if (cut > 0 && name !== '' && values.length > 0) return { name, values };
  throw new HalError({
    name: 'FilterInvalid',
    message: `The filter "${text}" is none of the form name=value.`,
    remedy: 'Give a column of the row or a member of the record, for example active=true or layer=substrate.',
    exit: 'usage',
    facts: { given: text },
  });
}

/**
 * Whether a row is one of those asked for. `applies-not`: the row has nothing of that name, or cannot be converted; it
 * goes with whatever is copied first.
 */
export function matchRow(
  filter: RowFilter,
  table: MigratedTable,
  row: FlatRow,
  nowMs: number,
): 'matches' | 'differs' | 'applies-not' {
  const conversion = table.transform.convert(row, { nowMs });
  if (conversion.kind === 'rejected') return 'applies-not';
  const value =
    filter.name === 'active'
      ? activeOf(row, conversion.record.expiresAtS)
      : valueOf(row[filter.name] ?? memberOf(conversion.record.body, filter.name));
  if (value === null) return 'applies-not';
  return filter.values.includes(value) ? 'matches' : 'differs';
}

function activeOf(row: FlatRow, expiresAtS: number | undefined): string | null {
  if (expiresAtS !== undefined) return 'true';
  return (row['expires_at'] ?? null) === null ? null : 'false';
}

function memberOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>)[name] : null;
}

function valueOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : typeof value === 'boolean'
      ? String(value)
      : null;
}
