import { HalError } from '../kernel/errors.ts';
import type { Category } from '../migration/category.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import type { FlatAuthority, ReverseChange, ReverseOutcome } from '../migration/ports.ts';
import { compareVersions, type RecordVersion } from '../migration/record.ts';
import type { FlatValue, KeyPart } from '../migration/row.ts';
import { appliedVersion, logKey, logKeyValues, readAuthority } from './change-log.ts';
import { touchedTable } from './change-log-ddl.ts';
import type { Connection } from './connection.ts';
import { boundValue, readExact } from './exact-text.ts';
import type { FlatStore, StoreView } from './flat-store.ts';
import { deleteRow, putRow, rowKey } from './row-access.ts';
import { quoteName, type TableLayout } from './table-layout.ts';

/** Inside one write transaction: the marker lets the changes pass fence and log, and is gone before anyone sees it. */
export function applyReverseChanges(
  store: FlatStore,
  view: StoreView,
  category: Category,
  changes: readonly ReverseChange[],
): readonly ReverseOutcome[] {
  const { connection } = store;
  const authority = readAuthority(connection, category);
  connection.run('INSERT INTO _mig_marker (applying) VALUES (1)');
  const outcomes = changes.map((change) => applyChange(store, view, change, authority));
  connection.run('DELETE FROM _mig_marker');
  return outcomes;
}

/**
 * Rows that had to give way to another row with the same unique value, and for which no newer change came. Flat must
 * not take over without them. Throws HalError `ReverseConflict`.
 */
export function refuseEvictedRows(connection: Connection, category: Category): void {
  const count = connection.first('SELECT count(*) FROM _mig_evicted WHERE category = ?', [category])?.[0];
  if (count === 0n || count === undefined) return;
  const example = connection.first('SELECT record_type, k1 FROM _mig_evicted WHERE category = ? LIMIT 1', [
    category,
  ]);
  throw new HalError({
    name: 'ReverseConflict',
    message:
      `${String(count)} records of ${category} do not fit into ${connection.path}: another record has the same ` +
      `unique value (for example ${String(example?.[0])} ${String(example?.[1])}).`,
    remedy: 'Change or delete one of the two records on the hierarchical side, then switch again.',
    exit: 'conflict',
    facts: { path: connection.path, category, count: Number(count) },
  });
}

function applyChange(
  store: FlatStore,
  view: StoreView,
  change: ReverseChange,
  authority: FlatAuthority,
): ReverseOutcome {
  const { connection } = store;
  const { key, version, row } = change;
  if (authority.state !== 'following' || authority.epoch !== version.epoch) return 'refused-epoch';
  const keyParts = decodeKey(key.id);
  const known = appliedVersion(connection, key.recordType, keyParts);
  if (known !== null && compareVersions(known, version) >= 0) return 'already-newer';
  const layout = view.layout(key.recordType);
  if (row !== null && encodeKey(rowKey(layout.table, row)) !== key.id) {
    throw new TypeError(`reverse change of ${recordPk(key)} carries the row of another key`);
  }
  noteTouched(store, layout, keyParts);
  if (row === null) deleteRow(connection, layout, keyParts);
  else {
    evictConflicts(store, layout, row, keyParts);
    putRow(connection, layout, row);
    noteTouched(store, layout, keyParts);
  }
  noteKey(connection, '_mig_relog', layout, keyParts);
  forgetEvicted(connection, key.recordType, keyParts);
  raiseVersion(connection, key.recordType, keyParts, { version, isTombstone: row === null });
  return 'applied';
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

/**
 * Changes of different keys arrive in any order, so a unique value may still stand in the row that had it before.
 * That row's own change is on its way; until it comes, the row is noted as evicted.
 */
function evictConflicts(
  store: FlatStore,
  layout: TableLayout,
  row: NonNullable<ReverseChange['row']>,
  keyParts: readonly KeyPart[],
): void {
  const { connection } = store;
  for (const { columns } of layout.uniqueIndexes) {
    const values = columns.map(({ name }) => boundValue(row[name ?? ''] ?? null));
    const isSame = columns.map(
      ({ name, collation }, at) =>
        `t.${quoteName(name ?? '')} = ${values[at]?.sql ?? 'NULL'} COLLATE ${quoteName(collation)}`,
    );
    const found = selectKeys(
      connection,
      layout,
      isSame.join(' AND '),
      values.map(({ parameter }) => parameter),
    );
    for (const other of found) {
      if (encodeKey(other) === encodeKey(keyParts)) continue;
      noteTouched(store, layout, other);
      deleteRow(connection, layout, other);
      noteKey(connection, '_mig_evicted', layout, other);
      noteKey(connection, '_mig_relog', layout, other);
    }
  }
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
      `FROM ${quoteName(layout.table.table)} AS t, ${quoteName(touched.table)} AS n WHERE ${ours} AND ${theirs}`,
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
