import { HalError } from '../kernel/errors.ts';
import type { FlatRow } from './row.ts';

/** Throws HalError `UnknownColumn` when the row has what its table has no place for; derived values need none. */
export function refuseUnknownColumns(
  place: string,
  table: { readonly name: string; readonly columns: readonly { readonly name: string }[] },
  row: FlatRow,
): void {
  const known = new Set(table.columns.map(({ name }) => name));
  const unknown = Object.keys(row).filter((name) => !known.has(name) && !name.startsWith('derived.'));
  if (unknown.length === 0) return;
  throw new HalError({
    name: 'UnknownColumn',
    message: `The table ${table.name} of ${place} has no column ${unknown.join(', ')}.`,
    remedy: `Add the column to ${table.name}, or leave it out of the record.`,
    exit: 'conflict',
    facts: { place, table: table.name, unknown },
  });
}
