import type { OfflineLedger, OfflineState } from '../jsonl/ports.ts';

export function makeMemoryOfflineLedger(): OfflineLedger {
  let present: OfflineState | null = null;
  return {
    read: () => Promise.resolve(present),
    write(next) {
      if (next.revision !== (present?.revision ?? 0) + 1) return Promise.resolve(false);
      present = next;
      return Promise.resolve(true);
    },
  };
}
