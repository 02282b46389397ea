import { HalError } from '../kernel/errors.ts';
import { queryRejected } from '../migration/query-rejected.ts';
import type { Connection } from './connection.ts';
import { quoteName, type TableLayout } from './table-layout.ts';

/** Has SQLite read each `where`. Throws HalError `QueryRejected` with what it says. */
export function checkQueries(connection: Connection, layouts: Iterable<TableLayout>): void {
  for (const { table } of layouts) {
    if (table.where === undefined) continue;
    const { where } = table;
    asQuery(connection, table, () =>
      connection.all(`SELECT 1 FROM ${quoteName(table.table)} WHERE (${where}\n) LIMIT 0`),
    );
  }
}

/**
 * Also that each follows from its row alone: SQLite takes it for a partial index, over an empty table of these columns
 * that nobody else sees. Dates of now are found out only with a row to look at.
 */
export function checkRowQueries(connection: Connection, layouts: Iterable<TableLayout>): void {
  for (const { table, columns } of layouts) {
    if (table.where === undefined) continue;
    const { where } = table;
    const names = columns.map(({ name }) => quoteName(name)).join(', ');
    asQuery(connection, table, () => {
      connection.script('SAVEPOINT _mig_query');
      try {
        connection.script(
          `CREATE TEMP TABLE _mig_query AS SELECT * FROM main.${quoteName(table.table)} LIMIT 0`,
        );
        connection.script(`CREATE INDEX temp._mig_query_where ON _mig_query (${names}) WHERE ${where}`);
        connection.script('INSERT INTO temp._mig_query DEFAULT VALUES');
      } finally {
        connection.script('ROLLBACK TO _mig_query; RELEASE _mig_query');
      }
    });
  }
}

function asQuery(connection: Connection, table: TableLayout['table'], read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof HalError) throw error;
    throw queryRejected(connection.path, table, error.message);
  }
}
