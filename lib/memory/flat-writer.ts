import type { FlatWriter } from '../migration/backup/ports.ts';
import { recordPk } from '../migration/key.ts';
import { compareVersions, type RecordVersion } from '../migration/record.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { flatAuthority, writeRow, type FlatStore } from './flat-store.ts';
import { transaction, uninterrupted, type Interleave } from './interleave.ts';

export function makeMemoryFlatWriter(store: FlatStore, interleave: Interleave = uninterrupted): FlatWriter {
  return {
    writeIf: ({ category, key, row }, expected) =>
      transaction(interleave, 'flat.writeIf', () => {
        const { state, epoch } = flatAuthority(store, category);
        if (state !== 'open' || epoch !== expected.epoch) return { kind: 'authority-moved' as const };
        const present = store.versions.get(recordPk(key)) ?? null;
        if (!isSame(present, expected.version)) return { kind: 'version-moved' as const };
        try {
          writeRow(store, tableOf(store.definition, key.recordType), key.id, row);
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
          return { kind: 'rejected' as const, errorName: error.name, message: error.message };
        }
        const version = store.versions.get(recordPk(key)) ?? { epoch, sequence: 0 };
        return { kind: 'written' as const, version };
      }),
  };
}

function isSame(left: RecordVersion | null, right: RecordVersion | null): boolean {
  if (left === null || right === null) return left === right;
  return compareVersions(left, right) === 0;
}
