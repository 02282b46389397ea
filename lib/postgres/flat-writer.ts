import type { FlatWriteOutcome, FlatWriter } from '../migration/backup/ports.ts';
import { rejectionOf } from '../migration/backup/rejection-of.ts';
import { decodeKey } from '../migration/key.ts';
import { isSameVersion, type RecordVersion } from '../migration/record.ts';
import type { RecordKey } from '../migration/row.ts';
import { excludeWriters, readAuthority } from './change-log.ts';
import { decodeNow } from './decoded-log.ts';
import { isAdmitted, writeRow } from './flat-records.ts';
import { requireChangeLog, type FlatStore, type StoreView } from './flat-store.ts';
import { paddedTexts } from './key-texts.ts';
import { qualified } from './names.ts';
import { keyColumnNames } from './own-names.ts';
import { readRows } from './row-access.ts';

/** Throws HalError `ChangeLogMissing`: without it nothing tells whether the key moved. */
export function makePostgresFlatWriter(store: FlatStore): FlatWriter {
  return { writeIf: (change, expected) => rejectionOf(() => writeIf(store, change, expected)) };
}

type Change = Parameters<FlatWriter['writeIf']>[0];
type Expected = Parameters<FlatWriter['writeIf']>[1];

/** Other writers of the category are kept out, so that the version is still the expected one at the write. */
async function writeIf(
  store: FlatStore,
  { category, key, row }: Change,
  expected: Expected,
): Promise<FlatWriteOutcome> {
  const { database } = store;
  const { schema } = database;
  const outcome = await store.write(async (view) => {
    requireChangeLog(store, view);
    await excludeWriters(view.session, schema, category);
    const isDecoded = view.to === 'write-ahead log';
    if (isDecoded) await decodeNow(view.session, database.aside, database);
    const { state, epoch } = await readAuthority(view.session, schema, category);
    const isOurs = state === 'open' && epoch === expected.epoch;
    if (!isOurs || !(await isAdmitted(view, schema, category))) return { kind: 'authority-moved' as const };
    const before = await versionOf(store, view, key);
    if (!isSameVersion(before, expected.version)) return { kind: 'version-moved' as const };
    await writeRow(store, view, key, row);
    const version = (await versionOf(store, view, key)) ?? { epoch, sequence: 0 };
    const texts = paddedTexts(view.layout(key.recordType), decodeKey(key.id));
    const xid = isDecoded ? (await view.session.first('SELECT pg_current_xact_id()::text'))?.[0] : null;
    return { kind: 'written' as const, version, texts, xid };
  });
  if (outcome.kind !== 'written') return outcome;
  const { kind, version, texts, xid } = outcome;
  const logged = typeof xid === 'string' ? await loggedBy(store, xid, key.recordType, texts) : null;
  return { kind, version: logged ?? version };
}

/** Only the commit gives a version where the log is decoded. null for a write that changed nothing. */
async function loggedBy(
  { database }: FlatStore,
  xid: string,
  recordType: string,
  texts: readonly string[],
): Promise<RecordVersion | null> {
  await decodeNow(database.aside, database.aside, database);
  const found = await database.aside.first(
    `SELECT epoch, seq FROM ${qualified(database.schema, '_mig_log')} WHERE xid = $1::xid8 AND record_type = $2
     AND ${keyColumnNames.map((name, at) => `${name} = $${at + 3}`).join(' AND ')} ORDER BY seq DESC LIMIT 1`,
    [xid, recordType, ...texts],
  );
  return found === undefined ? null : { epoch: Number(found[0]), sequence: Number(found[1]) };
}

async function versionOf(store: FlatStore, view: StoreView, key: RecordKey): Promise<RecordVersion | null> {
  const layout = view.layout(key.recordType);
  if (layout === null) return null;
  const extras = { schema: store.database.schema, derived: false, versions: true };
  const [found] = await readRows(view.session, layout, [decodeKey(key.id)], extras);
  return found?.version ?? null;
}
