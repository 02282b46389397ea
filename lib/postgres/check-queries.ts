import { queryRejected } from '../migration/query-rejected.ts';
import type { Database, Session } from './connection.ts';
import { stateOf } from './faults.ts';
import { qualified } from './names.ts';
import type { TableLayout } from './table-layout.ts';

type Place = Pick<Database, 'place' | 'schema'>;

/** Has PostgreSQL read each `where`. Throws HalError `QueryRejected` with what it says. */
export async function checkQueries(
  session: Session,
  { place }: Pick<Place, 'place'>,
  layouts: Iterable<TableLayout>,
): Promise<void> {
  for (const { table, from } of layouts) {
    if (table.where === undefined) continue;
    await asQuery(session, place, table, `SELECT 1 FROM ${from} AS t WHERE (${table.where}\n) LIMIT 0`);
  }
}

/**
 * Also that each follows from its row alone, as triggers see it: PostgreSQL takes it for a partial index, over an empty
 * table of these columns that nobody else ever sees.
 */
export async function checkRowQueries(
  session: Session,
  { place, schema }: Place,
  layouts: Iterable<TableLayout>,
): Promise<void> {
  const probe = qualified(schema, '_mig_query');
  for (const { table, from } of layouts) {
    if (table.where === undefined) continue;
    await asQuery(
      session,
      place,
      table,
      `CREATE TABLE ${probe} (LIKE ${from} INCLUDING GENERATED);
       CREATE INDEX ON ${probe} ((1)) WHERE ${table.where}`,
    );
  }
}

/** Nothing stays of what is run. */
async function asQuery(
  session: Session,
  place: string,
  table: TableLayout['table'],
  sql: string,
): Promise<void> {
  await session.script('SAVEPOINT _mig_query');
  try {
    await session.script(sql);
  } catch (error) {
    const state = stateOf(error);
    if (state === null || !/^(42|22|0A)/.test(state) || state === '42501') throw error;
    throw queryRejected(place, table, (error as Error).message);
  }
  await session.script('ROLLBACK TO SAVEPOINT _mig_query; RELEASE SAVEPOINT _mig_query');
}
