import { HalError } from '../kernel/errors.ts';
import { judgeReverse } from '../migration/admission.ts';
import type { Category } from '../migration/category.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import type { FlatAuthority, ReverseChange, ReverseKind, ReverseOutcome } from '../migration/ports.ts';
import { tableOf } from '../migration/table-lookup.ts';
import type { RecordVersion } from '../migration/record.ts';
import type { FlatValue, KeyPart } from '../migration/row.ts';
import { appliedVersion, logKey, logKeyValues, readAuthority } from './change-log.ts';
import { touchedTable } from './change-log-ddl.ts';
import type { Connection } from './connection.ts';
import { boundValue, readExact } from './exact-text.ts';
import type { FlatStore, StoreView } from './flat-store.ts';
import { withoutForeignTriggers } from './foreign-triggers.ts';
import { andBelongs } from './membership.ts';
import { deleteRow, putRow, readRow, refuseOutsider, rowKey } from './row-access.ts';
import { quoteName, type TableLayout, type UniqueIndex } from './table-layout.ts';

/** Inside one write transaction: the marker lets the changes pass fence and log, and is gone before anyone sees it. */
export function applyReverseChanges(
  store: FlatStore,
  view: StoreView,
  category: Category,
  changes: readonly ReverseChange[],
  as?: ReverseKind,
): readonly ReverseOutcome[] {
  const { connection } = store;
  const authority = readAuthority(connection, category);
  connection.run('INSERT INTO _mig_marker (applying) VALUES (1)');
  const outcomes = withoutForeignTriggers(connection, store.definition, () =>
    changes.map((change) => applyChange(store, view, change, { authority, as })),
  );
  connection.run('DELETE FROM _mig_marker');
  return outcomes;
}

/**
 * Rows that had to give way to another row with the same unique value, or that the constraints of their table refuse,
 * and for which no newer change came. Flat must not take over without them. Throws HalError `ReverseConflict`.
 */
export function refuseUnfitRows(connection: Connection, category: Category): void {
  const count = connection.first('SELECT count(*) FROM _mig_evicted WHERE category = ?', [category])?.[0];
  if (count === 0n || count === undefined) return;
  const example = connection.first('SELECT record_type, k1 FROM _mig_evicted WHERE category = ? LIMIT 1', [
    category,
  ]);
  throw new HalError({
    name: 'ReverseConflict',
    message:
      `${String(count)} records of ${category} do not fit into ${connection.path}: another record has the same ` +
      `unique value, or a constraint of the table refuses them (for example ${String(example?.[0])} ${String(example?.[1])}).`,
    remedy: 'Change or delete such a record on the hierarchical side, then switch again.',
    exit: 'conflict',
    facts: { path: connection.path, category, count: Number(count) },
  });
}

function applyChange(
  store: FlatStore,
  view: StoreView,
  change: ReverseChange,
  { authority, as }: { readonly authority: FlatAuthority; readonly as: ReverseKind | undefined },
): ReverseOutcome {
  const { connection } = store;
  const { key, version, row } = change;
  const keyParts = decodeKey(key.id);
  const known = appliedVersion(connection, key.recordType, keyParts);
  const outcome = judgeReverse(authority, known, version, as);
  if (outcome !== 'applied') return outcome;
  const layout = view.layout(key.recordType) ?? { table: tableOf(store.definition, key.recordType) };
  if (row !== null && encodeKey(rowKey(layout.table, row)) !== key.id) {
    throw new TypeError(`reverse change of ${recordPk(key)} carries the row of another key`);
  }
  forgetEvicted(connection, key.recordType, keyParts);
  if (!('columns' in layout)) {
    // There is no table for it: flat cannot take over again before the record is deleted.
    if (row !== null) noteKey(connection, '_mig_evicted', layout, keyParts);
    raiseVersion(connection, key.recordType, keyParts, { version, isTombstone: row === null });
    return 'applied';
  }
  noteTouched(store, layout, keyParts);
  if (row === null) deleteRow(connection, layout, keyParts);
  else if (replaceRow(store, layout, row, keyParts)) noteTouched(store, layout, keyParts);
  else noteKey(connection, '_mig_evicted', layout, keyParts);
  noteKey(connection, '_mig_relog', layout, keyParts);
  raiseVersion(connection, key.recordType, keyParts, { version, isTombstone: row === null });
  return 'applied';
}

/**
 * Changes of different keys arrive in any order, so a unique value may still stand in the row that had it before: that
 * row gives way. False, and nothing changed, when a constraint refuses the row: that must not hold up other changes.
 */
function replaceRow(
  store: FlatStore,
  layout: TableLayout,
  row: NonNullable<ReverseChange['row']>,
  keyParts: readonly KeyPart[],
): boolean {
  const { connection } = store;
  const isPut = (put: () => void): boolean => {
    connection.script('SAVEPOINT _mig_change');
    try {
      put();
    } catch (error) {
      const isUnfit = error instanceof HalError && ['RowConflict', 'UnknownColumn'].includes(error.name);
      if (!isUnfit) throw error;
      connection.script('ROLLBACK TO _mig_change; RELEASE _mig_change');
      return false;
    }
    connection.script('RELEASE _mig_change');
    return true;
  };
  return (
    isPut(() => putRow(connection, layout, row)) || isPut(() => putEvicting(store, layout, row, keyParts))
  );
}

function raiseVersion(
  connection: Connection,
  recordType: string,
  keyParts: readonly KeyPart[],
  applied: { readonly version: RecordVersion; readonly isTombstone: boolean },
): void {
  const key = logKeyValues(recordType, keyParts);
  const { epoch, sequence } = applied.version;
  connection.run(
    `INSERT OR REPLACE INTO _mig_version (${key.columns}, epoch, sequence, tombstone) VALUES (${key.values}, ?, ?, ?)`,
    [...key.parameters, BigInt(epoch), BigInt(sequence), applied.isTombstone ? 1n : 0n],
  );
}

/** SQLite decides which rows are in the way; they are noted as evicted until their own changes come. */
function putEvicting(
  store: FlatStore,
  layout: TableLayout,
  row: NonNullable<ReverseChange['row']>,
  keyParts: readonly KeyPart[],
): void {
  const { connection } = store;
  const candidates = layout.uniqueIndexes
    .flatMap(({ columns }) => rowsWithSame(connection, layout, row, columns))
    .filter((other) => encodeKey(other) !== encodeKey(keyParts));
  for (const other of candidates) {
    refuseOutsider(connection, layout, other, 'a row with its unique value is no record');
    noteTouched(store, layout, other);
  }
  putRow(connection, layout, row, 'evict');
  for (const other of candidates) {
    if (readRow(connection, layout, other, 'without-derived') !== null) continue;
    noteKey(connection, '_mig_evicted', layout, other);
    noteKey(connection, '_mig_relog', layout, other);
  }
}

function rowsWithSame(
  connection: Connection,
  layout: TableLayout,
  row: NonNullable<ReverseChange['row']>,
  columns: UniqueIndex['columns'],
): readonly (readonly KeyPart[])[] {
  const values = columns.map(({ name }) => boundValue(row[name ?? ''] ?? null));
  const isSame = columns.map(
    ({ name, collation }, at) =>
      `t.${quoteName(name ?? '')} = ${values[at]?.sql ?? 'NULL'} COLLATE ${quoteName(collation)}`,
  );
  const parameters = values.map(({ parameter }) => parameter);
  return selectKeys(connection, layout, isSame.join(' AND '), parameters);
}

/** Records that a row counts for get another content; they are logged when flat is the authority again. */
function noteTouched(store: FlatStore, layout: TableLayout, keyParts: readonly KeyPart[]): void {
  const { connection, definition } = store;
  for (const touch of layout.table.touches ?? []) {
    const touched = touchedTable(definition.tables, layout.table, touch.table);
    const parts = keyParts.map(boundValue);
    const ours = layout.keyExpressions
      .map((key, at) => `t.${key} = ${parts[at]?.sql ?? 'NULL'}`)
      .join(' AND ');
    const theirs = touched.keyColumns
      .map((name, at) => `n.${quoteName(name)} = t.${quoteName(touch.keyColumns[at] ?? '')}`)
      .join(' AND ');
    const found = readExact(
      connection,
      touched.keyColumns.map((name) => `n.${quoteName(name)}`),
      `FROM ${quoteName(layout.table.table)} AS t, ${quoteName(touched.table)} AS n
       WHERE ${ours} AND ${theirs}${andBelongs(touched, 'n')}`,
      parts.map(({ parameter }) => parameter),
    );
    for (const cells of found) {
      noteKey(connection, '_mig_relog', { table: touched }, cells as readonly KeyPart[]);
    }
  }
}

function selectKeys(
  connection: Connection,
  layout: TableLayout,
  condition: string,
  parameters: readonly FlatValue[],
): readonly (readonly KeyPart[])[] {
  return readExact(
    connection,
    layout.table.keyColumns.map((name) => `t.${quoteName(name)}`),
    `FROM ${quoteName(layout.table.table)} AS t WHERE ${condition}`,
    parameters,
  ) as readonly (readonly KeyPart[])[];
}

function noteKey(
  connection: Connection,
  ownTable: '_mig_relog' | '_mig_evicted',
  { table }: Pick<TableLayout, 'table'>,
  keyParts: readonly KeyPart[],
): void {
  const key = logKeyValues(table.recordType, keyParts);
  connection.run(`INSERT OR IGNORE INTO ${ownTable} (category, ${key.columns}) VALUES (?, ${key.values})`, [
    table.category,
    ...key.parameters,
  ]);
}

function forgetEvicted(connection: Connection, recordType: string, keyParts: readonly KeyPart[]): void {
  const key = logKey(recordType, keyParts);
  connection.run(`DELETE FROM _mig_evicted WHERE ${key.sql}`, key.parameters);
}
