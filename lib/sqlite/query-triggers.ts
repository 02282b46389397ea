import type { MigratedTable } from '../migration/table-lookup.ts';
import {
  changeTriggers,
  differs,
  evictingConditions,
  fence,
  keyCheck,
  keyColumnNames,
  keyList,
  keysOf,
  literal,
  log,
  trigger,
  type Trigger,
} from './change-log-ddl.ts';
import { andBelongs, andWhere } from './membership.ts';
import { quoteName, type TableLayout } from './table-layout.ts';

type Row = 'NEW' | 'OLD';

/** Triggers of one table. `tables` are all tables of the definition. */
export function triggersOf(layout: TableLayout, tables: readonly MigratedTable[]): readonly Trigger[] {
  return layout.table.where === undefined ? changeTriggers(layout, tables) : queryTriggers(layout);
}

/**
 * Triggers of a table with `where`. Rows that are no records are nobody's business: their writes are neither fenced nor
 * logged. Before a statement takes a record away its key is noted, while the table still has it; after it, what was
 * noted and what is a record now is logged. Whatever a row was between two commits, each step from a record or to one
 * is logged.
 */
function queryTriggers(layout: TableLayout): readonly Trigger[] {
  const { table } = layout;
  const evictions = evictingConditions(layout);
  const isRecord = (row: Row): string => andBelongs(table, row);
  const keyChanged = `(${differs(table.keyColumns, 'NEW', 'OLD')})`;
  const isLogged = (row: Row, unless = ''): string =>
    `(${isNoted(table, row)} OR (1${unless}${isRecord('NEW')}))`;
  const arrives = [`${fence(table.category)}${isRecord('NEW')}`, keyCheck(table, isRecord('NEW'))];
  return [
    // A row with the same key gives way by `OR REPLACE`.
    trigger(table, 'before_insert', 'BEFORE INSERT', [
      ...note(table, 'NEW'),
      ...evictRecords(table, evictions, 'NEW'),
    ]),
    trigger(table, 'after_insert', 'AFTER INSERT', [
      ...arrives,
      `${log(table, 'insert', 'NEW')} AND ${isLogged('NEW')}`,
      forgetNote(table, 'NEW'),
    ]),
    trigger(table, 'before_update', 'BEFORE UPDATE', [
      ...note(table, 'OLD'),
      ...note(table, 'NEW').map((sql) => `${sql} AND ${keyChanged}`),
      ...evictRecords(table, evictions, 'OLD'),
    ]),
    trigger(table, 'after_update', 'AFTER UPDATE', [
      ...arrives,
      `${log(table, 'update', 'OLD')} AND ${isLogged('OLD', ` AND NOT ${keyChanged}`)}`,
      `${log(table, 'update', 'NEW')} AND ${keyChanged} AND ${isLogged('NEW')}`,
      forgetNote(table, 'OLD'),
      forgetNote(table, 'NEW'),
    ]),
    trigger(table, 'before_delete', 'BEFORE DELETE', [
      `${fence(table.category)}${isRecord('OLD')}`,
      `${log(table, 'delete', 'OLD')}${isRecord('OLD')}`,
    ]),
  ];
}

/** Without a conflict clause, which the statement of the writer would put its own in place of. */
function note(table: MigratedTable, row: Row): readonly string[] {
  return [
    `${fence(table.category)}${andBelongs(table, row)}`,
    `INSERT INTO _mig_noted (record_type, ${keyList}) SELECT ${literal(table.recordType)}, ${keysOf(table, row)}
    WHERE NOT ${isNoted(table, row)}${andBelongs(table, row)}`,
  ];
}

function isNoted(table: MigratedTable, row: Row): string {
  return `EXISTS (SELECT 1 FROM _mig_noted AS g WHERE ${isNoteOf(table, row)})`;
}

function forgetNote(table: MigratedTable, row: Row): string {
  return `DELETE FROM _mig_noted WHERE ${isNoteOf(table, row)}`;
}

function isNoteOf(table: MigratedTable, row: Row): string {
  const isKey = table.keyColumns.map((name, at) => `${keyColumnNames[at] ?? ''} = ${row}.${quoteName(name)}`);
  return [`record_type = ${literal(table.recordType)}`, ...isKey].join(' AND ');
}

function evictRecords(table: MigratedTable, conditions: readonly string[], self: Row): readonly string[] {
  const name = quoteName(table.table);
  const isOther = differs(table.keyColumns, 't', self);
  return conditions.flatMap((condition) => [
    `${fence(table.category)} AND EXISTS (SELECT 1 FROM ${name} AS t
      WHERE ${condition} AND (${isOther})${andWhere(table)})`,
    `${log(table, 'evict', 't', `, ${name} AS t`)} AND ${condition} AND (${isOther})${andBelongs(table, 't')}`,
  ]);
}
