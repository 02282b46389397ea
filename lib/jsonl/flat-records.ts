import type { FlatRecords } from '../gateway/ports.ts';
import { decodeKey } from '../migration/key.ts';
import type { FlatWriter } from '../migration/backup/ports.ts';
import { sourceOffline } from '../migration/source-offline.ts';
import { firstAuthority, type OfflineStore } from './offline-store.ts';
import { readRows } from './read-rows.ts';

/** Files as the gateway reads them; a write throws HalError `SourceOffline`. */
export function makeOfflineFlatRecords(store: OfflineStore): FlatRecords & { close(): void } {
  return {
    async read(category, key) {
      const view = await store.view();
      const place = view.index.find(key.recordType, decodeKey(key.id));
      const [row = null] = place === null ? [] : await readRows(store, view, key.recordType, [place]);
      return {
        row: row === null ? null : withoutDerived(row),
        authority: view.state?.authorities[category] ?? firstAuthority,
      };
    },
    async write(category, key, _row, epoch) {
      const authority = (await store.state())?.authorities[category] ?? firstAuthority;
      // Somebody who may write elsewhere is sent there.
      if (authority.state !== 'open' || authority.epoch !== epoch) return { kind: 'refused', authority };
      throw sourceOffline(`${key.recordType} ${key.id} cannot be written`, { place: store.files.place });
    },
    close: () => store.close(),
  };
}

/** Restores cannot put anything into files. */
export function makeOfflineFlatWriter(store: OfflineStore): FlatWriter {
  return {
    async writeIf({ category, key }, expected) {
      const { state, epoch } = (await store.state())?.authorities[category] ?? firstAuthority;
      if (state !== 'open' || epoch !== expected.epoch) return { kind: 'authority-moved' };
      const { name, message } = sourceOffline(`${key.recordType} ${key.id} stays as it is`, {});
      return { kind: 'rejected', errorName: name, message };
    },
  };
}

function withoutDerived<Row extends object>(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('derived.'))) as Row;
}
