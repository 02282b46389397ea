import type { SourceConfig } from '../config/deploy-file.ts';
import type { FlatRecords } from '../gateway/ports.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import { firstAuthority, readAuthority } from './change-log.ts';
import { openConnection, useWriteAheadLog } from './connection.ts';
import { makeFlatStore, type FlatStore } from './flat-store.ts';
import { deleteRow, putRow, readRow, rowKey } from './row-access.ts';

export interface SqliteFlatRecords extends FlatRecords {
  close(): void;
}

/** Opens the flat store for the state gateway, on a connection of its own. Throws like `openFlatSource`. */
export function openFlatRecords(config: SourceConfig, definition: MigrationDefinition): SqliteFlatRecords {
  const connection = openConnection(config.path);
  useWriteAheadLog(connection);
  return makeSqliteFlatRecords(makeFlatStore(connection, definition));
}

/**
 * The flat store as the services read and write it, before and after a change log is installed. Rows come without
 * derived values. Throws HalError `RowConflict` for a row that breaks a constraint of its table.
 */
export function makeSqliteFlatRecords(store: FlatStore): SqliteFlatRecords {
  const { connection } = store;
  return {
    read: async (category, key) =>
      await Promise.resolve().then(() =>
        store.read((view) => ({
          row: readRow(connection, view.layout(key.recordType), decodeKey(key.id), 'without-derived'),
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
          const layout = view.layout(key.recordType);
          if (row === null) deleteRow(connection, layout, decodeKey(key.id));
          else {
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
