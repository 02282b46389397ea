import type { MigrationDefinition } from '../migration/definition.ts';
import { categoriesOf, tableOf } from '../migration/table-lookup.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import {
  flushRelog,
  ownPrefix,
  ownTableNames,
  ownTables,
  relogTable,
  type Trigger,
} from './change-log-ddl.ts';
import { checkQueries, checkRowQueries } from './check-queries.ts';
import { useWriteAheadLog, type Connection } from './connection.ts';
import { checkedLayouts, keyFaults } from './inspect-tables.ts';
import { triggersOf } from './query-triggers.ts';
import { quoteName, type TableLayout } from './table-layout.ts';

export type Installation = 'missing' | 'installed' | 'outdated';

/**
 * Compares what should be there with what is. `outdated` after any change of a table's columns or unique indexes and
 * after the loss of a trigger. Throws HalError `SourceRejected` when a table no longer fits the definition.
 */
export function checkInstallation(
  connection: Connection,
  definition: MigrationDefinition,
): { readonly installation: Installation; readonly layouts: ReadonlyMap<string, TableLayout> } {
  const layouts = checkedLayouts(connection, definition);
  if (!hasOwnTables(connection)) return { installation: 'missing', layouts };
  if (!hasTable(connection, '_mig_log')) return { installation: 'outdated', layouts };
  const installation = outdatedTables(connection, definition, layouts).size === 0 ? 'installed' : 'outdated';
  return { installation, layouts };
}

/**
 * Installs or renews everything in one write transaction, so that no write goes unlogged between the old triggers and
 * the new ones. Rows of a table that was changed (or that lost its triggers) are logged again, since their content
 * changed without a log entry.
 */
export function installChangeLog(connection: Connection, definition: MigrationDefinition): void {
  useWriteAheadLog(connection);
  connection.write(() => {
    const layouts = checkedLayouts(connection, definition);
    checkQueries(connection, layouts.values());
    checkRowQueries(connection, layouts.values());
    const isFirst = !hasOwnTables(connection);
    if (isFirst) refuseWrongKeys(connection, layouts);
    const isLogLost = !isFirst && !hasTable(connection, '_mig_log');
    connection.script(ownTables);
    if (isLogLost) startLogAnew(connection);
    for (const category of categoriesOf(definition)) {
      connection.run("INSERT OR IGNORE INTO _mig_authority (category, epoch, state) VALUES (?, 1, 'open')", [
        category,
      ]);
    }
    const outdated = outdatedTables(connection, definition, layouts);
    if (outdated.size === 0) return;
    renewTriggers(connection, definition, layouts);
    for (const recordType of outdated) {
      renewTable(connection, definition, recordType, { layouts, isFirst });
    }
    for (const category of categoriesOf(definition)) flush(connection, category);
  });
}

/** Takes everything of ours out of a store, with whatever an earlier migration left of its authority and versions. */
export function removeChangeLog(connection: Connection): void {
  connection.write(() => {
    for (const { name } of presentTriggers(connection)) connection.script(`DROP TRIGGER ${quoteName(name)}`);
    for (const name of ownTableNames) connection.script(`DROP TABLE IF EXISTS ${quoteName(name)}`);
  });
}

/** Logs what waited for its category to be open; does nothing while it is not. */
export function flush(connection: Connection, category: string): void {
  for (const statement of flushRelog) connection.run(statement, [category]);
}

function hasOwnTables(connection: Connection): boolean {
  return hasTable(connection, '_mig_schema');
}

function hasTable(connection: Connection, name: string): boolean {
  const found = connection.first("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [name]);
  return found !== undefined;
}

/**
 * Somebody dropped the log, and SQLite forgot its sequence with it. Sequences go on from the time in milliseconds,
 * which is beyond every one that was given, and every row is logged again for the entries that nobody read.
 */
function startLogAnew(connection: Connection): void {
  connection.run(
    "INSERT INTO sqlite_sequence (name, seq) VALUES ('_mig_log', CAST(unixepoch('subsec') * 1000 AS INTEGER))",
  );
  connection.run("UPDATE _mig_schema SET fingerprint = 'log lost'");
}

function outdatedTables(
  connection: Connection,
  definition: MigrationDefinition,
  layouts: ReadonlyMap<string, TableLayout>,
): ReadonlySet<string> {
  const stored = new Map(
    connection.all('SELECT record_type, fingerprint FROM _mig_schema').map(([type, text]) => [type, text]),
  );
  const present = new Map(presentTriggers(connection).map(({ name, sql }) => [name, sql]));
  const outdated = new Set<string>();
  for (const [recordType, layout] of layouts) {
    const wanted = triggersOf(layout, definition.tables);
    const isSame =
      stored.get(recordType) === layout.fingerprint &&
      wanted.every(({ name, sql }) => present.get(name) === sql);
    if (!isSame) outdated.add(recordType);
  }
  return outdated;
}

function presentTriggers(connection: Connection): readonly Pick<Trigger, 'name' | 'sql'>[] {
  return connection
    .all("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND substr(name, 1, ?) = ?", [
      BigInt(ownPrefix.length),
      ownPrefix,
    ])
    .map(([name, sql]) => ({ name: String(name), sql: String(sql) }));
}

function renewTriggers(
  connection: Connection,
  definition: MigrationDefinition,
  layouts: ReadonlyMap<string, TableLayout>,
): void {
  for (const { name } of presentTriggers(connection)) connection.script(`DROP TRIGGER ${quoteName(name)}`);
  for (const layout of layouts.values()) {
    for (const { sql } of triggersOf(layout, definition.tables)) connection.script(sql);
  }
}

function renewTable(
  connection: Connection,
  definition: MigrationDefinition,
  recordType: string,
  { layouts, isFirst }: { readonly layouts: ReadonlyMap<string, TableLayout>; readonly isFirst: boolean },
): void {
  // A table that came later was not there to be copied: its rows go through the log.
  if (!isFirst) {
    for (const statement of relogTable(tableOf(definition, recordType))) connection.run(statement);
  }
  connection.run('INSERT OR REPLACE INTO _mig_schema (record_type, fingerprint) VALUES (?, ?)', [
    recordType,
    layouts.get(recordType)?.fingerprint ?? '',
  ]);
}

function refuseWrongKeys(connection: Connection, layouts: ReadonlyMap<string, TableLayout>): void {
  const faults = [...layouts.values()].flatMap((layout) => keyFaults(connection, layout));
  if (faults.length > 0) throw sourceRejected(connection.path, faults);
}
