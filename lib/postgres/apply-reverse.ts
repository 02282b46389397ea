import { HalError } from '../kernel/errors.ts';
import { judgeReverse } from '../migration/admission.ts';
import type { Category } from '../migration/category.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import type { FlatAuthority, ReverseChange, ReverseKind, ReverseOutcome } from '../migration/ports.ts';
import type { RecordVersion } from '../migration/record.ts';
import type { FlatRow, KeyPart } from '../migration/row.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { appliedVersion, excludeWriters, readAuthority } from './change-log.ts';
import { touchedTable } from './change-log-ddl.ts';
import type { Session } from './connection.ts';
import type { FlatStore, StoreView } from './flat-store.ts';
import { isPossibleKey, keyPartsOfTexts, paddedTexts, rowKey } from './key-texts.ts';
import { qualified, quoteName } from './names.ts';
import { keyColumnNames } from './own-names.ts';
import { deleteRow, keysWithSame, putRow, readRows } from './row-access.ts';
import type { TableLayout } from './table-layout.ts';

const keyList = keyColumnNames.join(', ');

/**
 * Inside one transaction, which nobody else changes the category beside: the marker lets the changes pass fence and
 * log, and is gone before anyone sees it. Foreign keys and triggers of others are set aside: a reverse change repeats
 * the outcome of a write that was made elsewhere, and changes arrive in any order.
 */
export async function applyReverseChanges(
  store: FlatStore,
  view: StoreView,
  category: Category,
  changes: readonly ReverseChange[],
  as?: ReverseKind,
): Promise<readonly ReverseOutcome[]> {
  const { session } = view;
  const { schema } = store.database;
  await excludeWriters(session, schema, category);
  const authority = await readAuthority(session, schema, category);
  const types = new Set(changes.map(({ key }) => key.recordType));
  const hasSideEffects = [...types].some((type) => (view.layout(type)?.sideEffects ?? []).length > 0);
  if (hasSideEffects) await session.script('SET LOCAL session_replication_role = replica');
  await session.script(
    `INSERT INTO ${qualified(schema, '_mig_marker')} (xid) VALUES (pg_current_xact_id());
     SELECT set_config('hal9_migrate.applying', pg_current_xact_id()::text, true)`,
  );
  const outcomes: ReverseOutcome[] = [];
  for (const change of changes) outcomes.push(await applyChange(store, view, change, { authority, as }));
  await session.script(
    `DELETE FROM ${qualified(schema, '_mig_marker')} WHERE xid = pg_current_xact_id();
     SELECT set_config('hal9_migrate.applying', '', true)`,
  );
  return outcomes;
}

/**
 * Rows that had to give way to another row with the same unique value, or that the constraints of their table refuse,
 * and for which no newer change came. Flat must not take over without them. Throws HalError `ReverseConflict`.
 */
export async function refuseUnfitRows(
  store: Pick<FlatStore, 'database'>,
  session: Session,
  category: Category,
): Promise<void> {
  const { place, schema } = store.database;
  const found = await session.first(
    `SELECT count(*), min(record_type || ' ' || k1) FROM ${qualified(schema, '_mig_evicted')} WHERE category = $1`,
    [category],
  );
  const count = Number(found?.[0] ?? 0);
  if (count === 0) return;
  throw new HalError({
    name: 'ReverseConflict',
    message:
      `${count} records of ${category} do not fit into ${place}: another record has the same ` +
      `unique value, or a constraint of the table refuses them (for example ${found?.[1] ?? ''}).`,
    remedy: 'Change or delete such a record on the hierarchical side, then switch again.',
    exit: 'conflict',
    facts: { place, category, count },
  });
}

async function applyChange(
  store: FlatStore,
  view: StoreView,
  change: ReverseChange,
  { authority, as }: { readonly authority: FlatAuthority; readonly as: ReverseKind | undefined },
): Promise<ReverseOutcome> {
  const { session } = view;
  const { schema } = store.database;
  const { key, version, row } = change;
  const keyParts = decodeKey(key.id);
  const layout = view.layout(key.recordType);
  const keyTexts = paddedTexts(layout, keyParts);
  const known = await appliedVersion(session, schema, key.recordType, keyTexts);
  const outcome = judgeReverse(authority, known, version, as);
  if (outcome !== 'applied') return outcome;
  const table = tableOf(store.definition, key.recordType);
  if (row !== null && encodeKey(rowKey(table, row)) !== key.id) {
    throw new TypeError(`reverse change of ${recordPk(key)} carries the row of another key`);
  }
  await forgetEvicted(session, schema, key.recordType, keyTexts);
  if (layout !== null) await changeRow(store, view, layout, { keyParts, row });
  // There is no table for it: flat cannot take over again before the record is deleted.
  else if (row !== null) await noteKey(session, schema, '_mig_evicted', { table, keyTexts });
  await raiseVersion(session, schema, { recordType: key.recordType, keyTexts }, version, row === null);
  return 'applied';
}

async function changeRow(
  store: FlatStore,
  view: StoreView,
  layout: TableLayout,
  { keyParts, row }: { readonly keyParts: readonly KeyPart[]; readonly row: FlatRow | null },
): Promise<void> {
  const { session } = view;
  const { schema } = store.database;
  await noteTouched(store, view, layout, keyParts);
  if (row === null) await deleteRow(session, layout, keyParts);
  else if (await replaceRow(store, view, layout, row)) await noteTouched(store, view, layout, keyParts);
  else await noteKey(session, schema, '_mig_evicted', noted(layout, keyParts));
  await noteKey(session, schema, '_mig_relog', noted(layout, keyParts));
}

/**
 * Changes of different keys arrive in any order, so a unique value may still stand in the row that had it before: that
 * row gives way. False, and nothing changed, when a constraint refuses the row: that must not hold up other changes.
 */
async function replaceRow(
  store: FlatStore,
  view: StoreView,
  layout: TableLayout,
  row: FlatRow,
): Promise<boolean> {
  const { session } = view;
  const isPut = async (put: () => Promise<void>): Promise<boolean> => {
    await session.script('SAVEPOINT _mig_change');
    try {
      await put();
    } catch (error) {
      const isUnfit = error instanceof HalError && ['RowConflict', 'UnknownColumn'].includes(error.name);
      if (!isUnfit) throw error;
      await session.script('ROLLBACK TO SAVEPOINT _mig_change; RELEASE SAVEPOINT _mig_change');
      return false;
    }
    await session.script('RELEASE SAVEPOINT _mig_change');
    return true;
  };
  const { place } = store.database;
  return (
    (await isPut(() => putRow(session, place, layout, row))) ||
    (await isPut(() => putEvicting(store, view, layout, row)))
  );
}

/** The rows that are in the way are noted as evicted until their own changes come. */
async function putEvicting(
  store: FlatStore,
  view: StoreView,
  layout: TableLayout,
  row: FlatRow,
): Promise<void> {
  const { session } = view;
  const { place, schema } = store.database;
  const own = encodeKey(rowKey(layout.table, row));
  for (const { columns, partial } of layout.uniqueIndexes) {
    if (columns.length === 0 || partial) continue;
    const others = await keysWithSame(session, layout, row, columns);
    for (const keyParts of others) {
      if (encodeKey(keyParts) === own) continue;
      await noteTouched(store, view, layout, keyParts);
      await deleteRow(session, layout, keyParts);
      await noteKey(session, schema, '_mig_evicted', noted(layout, keyParts));
      await noteKey(session, schema, '_mig_relog', noted(layout, keyParts));
    }
  }
  await putRow(session, place, layout, row);
}

/** Records that a row counts for get another content; they are logged when flat is the authority again. */
async function noteTouched(
  store: FlatStore,
  view: StoreView,
  layout: TableLayout,
  keyParts: readonly KeyPart[],
): Promise<void> {
  const { schema } = store.database;
  for (const touch of layout.table.touches ?? []) {
    const { recordType } = touchedTable(store.definition.tables, layout.table, touch.table);
    const touched = view.layout(recordType);
    if (touched === null) continue;
    const plain = { schema, derived: false, versions: false };
    const [own] = await readRows(view.session, layout, [keyParts], plain);
    if (own?.row === null || own === undefined) continue;
    const { row } = own;
    const theirs = touch.keyColumns.map((name) => row[name] ?? null);
    if (theirs.includes(null)) continue;
    const parts = keyPartsOfTexts(touched, theirs.map(String));
    const [counted] = isPossibleKey(touched, parts)
      ? await readRows(view.session, touched, [parts], plain)
      : [];
    if (!counted?.row) continue;
    await noteKey(view.session, schema, '_mig_relog', noted(touched, parts));
  }
}

type NotedKey = Pick<TableLayout, 'table'> & { readonly keyTexts: readonly string[] };

function noted(layout: TableLayout, keyParts: readonly KeyPart[]): NotedKey {
  return { table: layout.table, keyTexts: paddedTexts(layout, keyParts) };
}

async function noteKey(
  session: Session,
  schema: string,
  ownTable: '_mig_relog' | '_mig_evicted',
  { table, keyTexts }: NotedKey,
): Promise<void> {
  const { category, recordType } = table;
  await session.run(
    `INSERT INTO ${qualified(schema, ownTable)} (category, record_type, ${keyList})
     VALUES ($1, $2, ${keyColumnNames.map((_, at) => `$${at + 3}`).join(', ')}) ON CONFLICT DO NOTHING`,
    [category, recordType, ...keyTexts],
  );
}

async function forgetEvicted(
  session: Session,
  schema: string,
  recordType: string,
  keyTexts: readonly string[],
): Promise<void> {
  await session.run(
    `DELETE FROM ${qualified(schema, '_mig_evicted')} WHERE record_type = $1
     AND ${keyColumnNames.map((name, at) => `${quoteName(name)} = $${at + 2}`).join(' AND ')}`,
    [recordType, ...keyTexts],
  );
}

async function raiseVersion(
  session: Session,
  schema: string,
  { recordType, keyTexts }: { readonly recordType: string; readonly keyTexts: readonly string[] },
  version: RecordVersion,
  isTombstone: boolean,
): Promise<void> {
  await session.run(
    `INSERT INTO ${qualified(schema, '_mig_version')} (record_type, ${keyList}, epoch, sequence, tombstone)
     VALUES ($1, ${keyColumnNames.map((_, at) => `$${at + 5}`).join(', ')}, $2::int8, $3::int8, $4::bool)
     ON CONFLICT (record_type, ${keyList}) DO UPDATE SET
       epoch = excluded.epoch, sequence = excluded.sequence, tombstone = excluded.tombstone`,
    [recordType, String(version.epoch), String(version.sequence), String(isTombstone), ...keyTexts],
  );
}
