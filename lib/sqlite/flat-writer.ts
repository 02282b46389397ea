import type { SqliteConfig } from '../config/source-config.ts';
import type { FlatWriter, FlatWriteOutcome } from '../migration/backup/ports.ts';
import { rejectionOf } from '../migration/backup/rejection-of.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import { isSameVersion, type RecordVersion } from '../migration/record.ts';
import { readAuthority, versionOf } from './change-log.ts';
import { openConnection } from './connection.ts';
import { makeFlatStore, requireChangeLog, requireTable, type FlatStore } from './flat-store.ts';
import { deleteRow, putRow, rowKey } from './row-access.ts';

/**
 * Opens the flat store for restores, on a connection of its own. Throws like `openFlatSource`; a write throws HalError
 * `ChangeLogMissing`, since without the log nothing tells whether the key moved.
 */
export function openFlatWriter(config: SqliteConfig, definition: MigrationDefinition): FlatWriter {
  const store = makeFlatStore(openConnection(config.path), definition);
  return { writeIf: (change, expected) => rejectionOf(() => writeIf(store, change, expected)) };
}

type Change = Parameters<FlatWriter['writeIf']>[0];
type Expected = Parameters<FlatWriter['writeIf']>[1];

function writeIf(store: FlatStore, { category, key, row }: Change, expected: Expected): FlatWriteOutcome {
  const { connection } = store;
  return store.write((view) => {
    requireChangeLog(store, view);
    const { state, epoch } = readAuthority(connection, category);
    if (state !== 'open' || epoch !== expected.epoch) return { kind: 'authority-moved' };
    const keyParts = decodeKey(key.id);
    const version = (): RecordVersion | null => versionOf(connection, key.recordType, keyParts);
    const before = version();
    if (!isSameVersion(before, expected.version)) return { kind: 'version-moved' };
    const layout = requireTable(store, view, key.recordType);
    if (row === null) deleteRow(connection, layout, keyParts);
    else {
      if (encodeKey(rowKey(layout.table, row)) !== key.id) {
        throw new TypeError(`the row is not that of ${recordPk(key)}`);
      }
      putRow(connection, layout, row);
    }
    return { kind: 'written', version: version() ?? { epoch, sequence: 0 } };
  });
}
