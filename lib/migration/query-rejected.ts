import { HalError } from '../kernel/errors.ts';

/** A `where` that the flat store cannot answer; `says` is what its database said of it. */
export function queryRejected(place: string, table: { readonly table: string }, says: string): HalError {
  return new HalError({
    name: 'QueryRejected',
    message: `The flat store ${place} does not take the where of ${table.table}: ${says}.`,
    remedy:
      'Correct the where in the migration file: SQL over the columns of one row, without subqueries and without ' +
      'functions that depend on anything else, such as the time.',
    exit: 'usage',
    facts: { place, table: table.table, says },
  });
}
