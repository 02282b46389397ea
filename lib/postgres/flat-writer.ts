import type { FlatWriteOutcome, FlatWriter } from '../migration/backup/ports.ts';
import { rejectionOf } from '../migration/backup/rejection-of.ts';
import { decodeKey } from '../migration/key.ts';
import { isSameVersion, type RecordVersion } from '../migration/record.ts';
import type { RecordKey } from '../migration/row.ts';
import { excludeWriters, readAuthority } from './change-log.ts';
import { isAdmitted, writeRow } from './flat-records.ts';
import { requireChangeLog, type FlatStore, type StoreView } from './flat-store.ts';
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
  const { schema } = store.database;
  return await store.write(async (view) => {
    requireChangeLog(store, view);
    await excludeWriters(view.session, schema, category);
    const { state, epoch } = await readAuthority(view.session, schema, category);
    const isOurs = state === 'open' && epoch === expected.epoch;
    if (!isOurs || !(await isAdmitted(view, schema, category))) return { kind: 'authority-moved' };
    const before = await versionOf(store, view, key);
    if (!isSameVersion(before, expected.version)) return { kind: 'version-moved' };
    await writeRow(store, view, key, row);
    const version = await versionOf(store, view, key);
    return { kind: 'written', version: version ?? { epoch, sequence: 0 } };
  });
}

async function versionOf(store: FlatStore, view: StoreView, key: RecordKey): Promise<RecordVersion | null> {
  const layout = view.layout(key.recordType);
  if (layout === null) return null;
  const extras = { schema: store.database.schema, derived: false, versions: true };
  const [found] = await readRows(view.session, layout, [decodeKey(key.id)], extras);
  return found?.version ?? null;
}
