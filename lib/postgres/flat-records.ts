import { setTimeout as delay } from 'node:timers/promises';

import type { FlatRecords } from '../gateway/ports.ts';
import { HalError } from '../kernel/errors.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import { firstAuthority, readAuthority } from './change-log.ts';
import { enterCall } from './change-log-ddl.ts';
import { requireTable, type FlatStore, type StoreView } from './flat-store.ts';
import { rowKey } from './key-texts.ts';
import { deleteRow, putRow, readRows } from './row-access.ts';

const retryAfterMs = 15;

/** How long a request waits for the transactions of others, in milliseconds. */
const patienceMs = 5_000;

/**
 * The flat store as the services read and write it, before and after a change log is installed. Rows come without
 * derived values. Throws HalError `RowConflict` for a row that breaks a constraint of its table.
 */
export function makePostgresFlatRecords(store: FlatStore): FlatRecords & { close(): Promise<void> } {
  const { schema } = store.database;
  const authorityOf = async ({ installation, session }: StoreView, category: string) =>
    installation === 'installed' ? await readAuthority(session, schema, category) : firstAuthority;
  return {
    read: (category, key) =>
      store.read(category, async (view) => {
        const extras = { schema, derived: false, versions: false };
        const layout = view.layout(key.recordType);
        const [found] =
          layout === null ? [] : await readRows(view.session, layout, [decodeKey(key.id)], extras);
        return { row: found?.row ?? null, authority: await authorityOf(view, category) };
      }),
    write: (category, key, row, epoch) =>
      whenUnlocked(() =>
        store.write(async (view) => {
          const isOpen = view.installation === 'missing' || (await isAdmitted(view, schema, category));
          const authority = await authorityOf(view, category);
          if (!isOpen || authority.state !== 'open' || authority.epoch !== epoch) {
            return { kind: 'refused' as const, authority };
          }
          await writeRow(store, view, key, row);
          return { kind: 'written' as const };
        }),
      ),
    close: () => store.database.close(),
  };
}

/** Puts or deletes a row. Throws TypeError for a row of another key, HalError `TableAbsent` and `RowConflict`. */
export async function writeRow(
  store: FlatStore,
  view: StoreView,
  key: RecordKey,
  row: FlatRow | null,
): Promise<void> {
  const { session } = view;
  const layout = view.layout(key.recordType);
  if (row === null) {
    if (layout !== null) await deleteRow(session, layout, decodeKey(key.id));
    return;
  }
  const present = requireTable(store, view, key.recordType);
  if (encodeKey(rowKey(present.table, row)) !== key.id) {
    throw new TypeError(`the row is not that of ${recordPk(key)}`);
  }
  await putRow(session, store.database.place, present, row);
}

/** What the triggers ask as well; from here on no fence can come before this transaction ends. */
export async function isAdmitted({ session }: StoreView, schema: string, category: string): Promise<boolean> {
  await session.script('SAVEPOINT _mig_write');
  try {
    await session.all(`SELECT ${enterCall(schema, category)}`);
    return true;
  } catch (error) {
    if (!(error instanceof HalError) || error.name !== 'CategoryFenced') throw error;
    await session.script('ROLLBACK TO SAVEPOINT _mig_write');
    return false;
  }
}

/** A transaction that was refused for others has written nothing, so that it can be repeated. */
async function whenUnlocked<Result>(work: () => Promise<Result>): Promise<Result> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isLocked = error instanceof HalError && error.name === 'SourceLocked';
      if (!isLocked || performance.now() >= deadlineMs) throw error;
      await delay(retryAfterMs);
    }
  }
}
