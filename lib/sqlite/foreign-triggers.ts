import type { MigrationDefinition } from '../migration/definition.ts';
import { ownPrefix } from './change-log-ddl.ts';
import type { Connection } from './connection.ts';
import { quoteName } from './table-layout.ts';

/**
 * Runs `effect` without the triggers that others put on the migrated tables. A reverse change repeats the outcome of
 * a write that was made elsewhere: what a trigger would add to it, or delete with it, is not part of that outcome.
 * Must run in a write transaction, so that nobody else ever sees the tables without them.
 */
export function withoutForeignTriggers<Result>(
  connection: Connection,
  definition: MigrationDefinition,
  effect: () => Result,
): Result {
  const tables = new Set(definition.tables.map(({ table }) => table.toLowerCase()));
  const triggers = connection
    .all(
      "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' AND substr(name, 1, ?) <> ? ORDER BY rowid",
      [BigInt(ownPrefix.length), ownPrefix],
    )
    .filter(([, table]) => tables.has(String(table).toLowerCase()));
  for (const [name] of triggers) connection.script(`DROP TRIGGER ${quoteName(String(name))}`);
  const result = effect();
  for (const [, , sql] of triggers) connection.script(String(sql));
  return result;
}
