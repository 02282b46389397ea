import type { KeptBytes, KeptDigestStore } from '../migration/kept/ports.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';

export function makeMemoryKeptDigestStore(interleave: Interleave = uninterrupted): KeptDigestStore {
  let stored: KeptBytes | null = null;
  return {
    load: () =>
      observation(interleave, 'kept-digests.load', () =>
        stored === null ? null : { ...stored, bytes: stored.bytes.slice() },
      ),
    save: (bytes, revision) =>
      transaction(interleave, 'kept-digests.save', () => {
        if ((stored?.revision ?? 0) !== revision) return false;
        stored = { bytes: bytes.slice(), revision: revision + 1 };
        return true;
      }),
  };
}
