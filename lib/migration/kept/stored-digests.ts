import { decodeDigests, encodeDigests, mostKeptBytes } from './encode-digests.ts';
import type { KeptDigests } from './kept-digests.ts';
import type { KeptDigestStore } from './ports.ts';

export interface OpenedDigests {
  readonly digests: KeptDigests;
  readonly revision: number;
}

/** null when none are kept. */
export async function openDigests(store: KeptDigestStore): Promise<OpenedDigests | null> {
  const stored = await store.load();
  if (stored === null || stored.bytes.length === 0) return null;
  return { digests: decodeDigests(stored.bytes), revision: stored.revision };
}

/** Leaves nothing when they take more room than is worth it; what somebody else saved meanwhile stays. */
export async function saveDigests(
  store: KeptDigestStore,
  { digests, revision }: OpenedDigests,
): Promise<boolean> {
  const bytes = encodeDigests(digests);
  if (bytes.length > mostKeptBytes) return dropDigests(store, revision);
  return store.save(bytes, revision);
}

export function dropDigests(store: KeptDigestStore, revision: number): Promise<boolean> {
  return store.save(new Uint8Array(), revision);
}
