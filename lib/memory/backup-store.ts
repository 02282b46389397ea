import { sha256Hex } from '../kernel/sha256.ts';
import type { BackupStore, ReadBlock } from '../migration/backup/ports.ts';

interface MemoryBlock {
  text: string;
  readonly sha256: string;
}

export interface MemoryBackupStore extends BackupStore {
  /** Blocks by name of the part, to be looked at and damaged. */
  readonly parts: Map<string, MemoryBlock[]>;
  readonly manifests: Map<string, string>;
}

export function makeMemoryBackupStore(): MemoryBackupStore {
  const parts = new Map<string, MemoryBlock[]>();
  const manifests = new Map<string, string>();
  return {
    parts,
    manifests,
    async writePart(name, blocks) {
      const written: MemoryBlock[] = [];
      for await (const text of blocks) written.push({ text, sha256: sha256Hex(text) });
      parts.set(name, written);
      return stored(written);
    },
    async readPart(name, visit) {
      const found = parts.get(name);
      if (found === undefined) return null;
      for (const block of found) await visit(read(block));
      return stored(found);
    },
    putManifest: async (checkpointId, text) => {
      if (manifests.has(checkpointId)) return false;
      manifests.set(checkpointId, text);
      return true;
    },
    readManifest: async (checkpointId) => manifests.get(checkpointId) ?? null,
  };
}

function read({ text, sha256 }: MemoryBlock): ReadBlock {
  if (sha256Hex(text) === sha256) return { kind: 'intact', text };
  return {
    kind: 'damaged',
    reason: 'the block does not match its hash',
    raw: new TextEncoder().encode(text),
  };
}

function stored(blocks: readonly MemoryBlock[]): { bytes: number; sha256: string } {
  const all = blocks.map(({ text }) => text).join('');
  return { bytes: Buffer.byteLength(all), sha256: sha256Hex(all) };
}
