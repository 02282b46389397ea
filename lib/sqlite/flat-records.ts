import { setTimeout as delay } from 'node:timers/promises';

import type { SqliteConfig } from '../config/source-config.ts';
import type { FlatRecords } from '../gateway/ports.ts';
import { HalError } from '../kernel/errors.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import { firstAuthority, readAuthority } from './change-log.ts';
import { openConnection, useWriteAheadLog } from './connection.ts';
import { makeFlatStore, requireTable, type FlatStore, type StoreView } from './flat-store.ts';
import { deleteRow, putRow, readRow, rowKey } from './row-access.ts';

export interface SqliteFlatRecords extends FlatRecords {
  close(): void;
}

/** SQLite waits inside the process, for which everything else stands still: it waits shortly, and we in between. */
const busyTimeoutMs = 5;
const retryAfterMs = 15;

/** How long a request waits for the transaction of another process, in milliseconds. */
const patienceMs = 5_000;

/** Opens the flat store for the state gateway, on a connection of its own. Throws like `openFlatSource`. */
export function openFlatRecords(config: SqliteConfig, definition: MigrationDefinition): SqliteFlatRecords {
  const connection = openConnection(config.path);
  useWriteAheadLog(connection);
  connection.first(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  const records = makeSqliteFlatRecords(makeFlatStore(connection, definition));
  return {
    ...records,
    read: (...request) => whenUnlocked(() => records.read(...request)),
    write: (...request) => whenUnlocked(() => records.write(...request)),
  };
}

/** A transaction that meets a lock has written nothing, so that it can be repeated. */
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

/**
 * The flat store as the services read and write it, before and after a change log is installed. Rows come without
 * derived values. Throws HalError `RowConflict` for a row that breaks a constraint of its table, `TableAbsent` for one that has no table.
 */
export function makeSqliteFlatRecords(store: FlatStore): SqliteFlatRecords {
  const { connection } = store;
  return {
    read: async (category, key) =>
      await Promise.resolve().then(() =>
        store.read((view) => ({
          row: rowOf(store, view, key),
          authority: view.installation === 'installed' ? readAuthority(connection, category) : firstAuthority,
        })),
      ),
    write: async (category, key, row, epoch) =>
      await Promise.resolve().then(() =>
        store.write((view) => {
          const authority =
            view.installation === 'installed' ? readAuthority(connection, category) : firstAuthority;
          if (authority.state !== 'open' || authority.epoch !== epoch) {
            return { kind: 'refused' as const, authority };
          }
          if (row === null) deleteOne(store, view, key);
          else {
            const layout = requireTable(store, view, key.recordType);
            if (encodeKey(rowKey(layout.table, row)) !== key.id) {
              throw new TypeError(`the row is not that of ${recordPk(key)}`);
            }
            putRow(connection, layout, row);
          }
          return { kind: 'written' as const };
        }),
      ),
    close: () => connection.close(),
  };
}

function rowOf({ connection }: FlatStore, view: StoreView, key: RecordKey): FlatRow | null {
  const layout = view.layout(key.recordType);
  return layout === null ? null : readRow(connection, layout, decodeKey(key.id), 'without-derived');
}

function deleteOne({ connection }: FlatStore, view: StoreView, key: RecordKey): void {
  const layout = view.layout(key.recordType);
  if (layout !== null) deleteRow(connection, layout, decodeKey(key.id));
}
