import type { SqliteConfig } from '../config/source-config.ts';
import { HalError } from '../kernel/errors.ts';
import type { FlatWriter, FlatWriteOutcome } from '../migration/backup/ports.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import { decodeKey, encodeKey, recordPk } from '../migration/key.ts';
import { compareVersions, type RecordVersion } from '../migration/record.ts';
import { readAuthority, versionOf } from './change-log.ts';
import { openConnection } from './connection.ts';
import { makeFlatStore, requireChangeLog, requireTable, type FlatStore } from './flat-store.ts';
import { deleteRow, putRow, rowKey } from './row-access.ts';

/** Opens the flat store for restores, on a connection of its own. Throws like `openFlatSource`. */
export function openFlatWriter(config: SqliteConfig, definition: MigrationDefinition): FlatWriter {
  return makeSqliteFlatWriter(makeFlatStore(openConnection(config.path), definition));
}

/** Throws HalError `ChangeLogMissing`: without it nothing tells whether the key moved. */
export function makeSqliteFlatWriter(store: FlatStore): FlatWriter {
  return {
    writeIf: async (change, expected) =>
      await Promise.resolve().then(() => rejectionOf(() => writeIf(store, change, expected))),
  };
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
    if (!isSame(before, expected.version)) return { kind: 'version-moved' };
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

/** What the table refuses is an answer about the row; anything else is a fault of the store. */
function rejectionOf(write: () => FlatWriteOutcome): FlatWriteOutcome {
  try {
    return write();
  } catch (error) {
    const isOfRow =
      error instanceof HalError && ['RowConflict', 'TableAbsent', 'UnknownColumn'].includes(error.name);
    if (!isOfRow && !(error instanceof TypeError)) throw error;
    return { kind: 'rejected', errorName: error.name, message: error.message };
  }
}

function isSame(left: RecordVersion | null, right: RecordVersion | null): boolean {
  if (left === null || right === null) return left === right;
  return compareVersions(left, right) === 0;
}
