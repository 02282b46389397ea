import type { FlatRecords } from '../gateway/ports.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { flatAuthority, flatTable, writeRow, type FlatStore } from './flat-store.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';

export function makeMemoryFlatRecords(store: FlatStore, interleave: Interleave = uninterrupted): FlatRecords {
  return {
    read: (category, key) =>
      observation(interleave, 'flat.read', () => ({
        row: flatTable(store, key.recordType).rows.get(key.id)?.row ?? null,
        authority: flatAuthority(store, category),
      })),
    write: (category, key, row, epoch) =>
      transaction(interleave, 'flat.write', () => {
        const authority = flatAuthority(store, category);
        if (authority.state !== 'open' || authority.epoch !== epoch) {
          return { kind: 'refused' as const, authority };
        }
        writeRow(store, tableOf(store.definition, key.recordType), key.id, row);
        return { kind: 'written' as const };
      }),
  };
}
