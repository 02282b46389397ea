import { HalError } from '../../kernel/errors.ts';
import { decodeEntry, type DecodedEntry } from './backup-entry.ts';
import { parseManifest, type BackupManifest, type BackupPart } from './backup-manifest.ts';
import type { BackupStore } from './ports.ts';

/** What is wrong with a part; `entries` is how many records it concerns, as far as that is known. */
export interface PartFault {
  readonly part: string;
  readonly reason: string;
  readonly entries: number;
}

/** One line, or one block, that cannot be used. */
export interface DamagedPiece {
  readonly part: string;
  /** Counts the damaged pieces of the part from 1. */
  readonly number: number;
  readonly reason: string;
  readonly pk: string | null;
  readonly raw: string | Uint8Array;
}

export interface PartVisitor {
  entries(entries: readonly Extract<DecodedEntry, { kind: 'entry' }>[]): Promise<void>;
  damaged(piece: DamagedPiece): Promise<void>;
}

/** Throws HalError `BackupMissing` and `BackupDamaged`. */
export async function openBackup(backups: BackupStore, checkpointId: string): Promise<BackupManifest> {
  const text = await backups.readManifest(checkpointId);
  if (text === null) {
    throw new HalError({
      name: 'BackupMissing',
      message: `The checkpoint ${checkpointId} has no backup.`,
      remedy:
        'Choose one made with `hal9-migrate state checkpoint --full-backup`; `state list-checkpoints` shows which.',
      exit: 'usage',
      facts: { checkpointId },
    });
  }
  const manifest = parseManifest(text);
  if (manifest !== null && manifest.checkpointId === checkpointId) return manifest;
  throw new HalError({
    name: 'BackupDamaged',
    message: `The manifest of the backup of ${checkpointId} is not what was written.`,
    remedy: 'Choose another checkpoint, or bring back the version of the manifest that the bucket still has.',
    exit: 'conflict',
    facts: { checkpointId },
  });
}

/**
 * Reads one part in order: its good records in groups, its damaged pieces one by one. Answers what is wrong with it;
 * null when every byte is what was written.
 */
export async function readBackupPart(
  backups: BackupStore,
  part: BackupPart,
  visitor: PartVisitor,
): Promise<PartFault | null> {
  let good = 0;
  let pieces = 0;
  const damaged = (piece: Pick<DamagedPiece, 'reason' | 'pk' | 'raw'>): Promise<void> => {
    pieces += 1;
    return visitor.damaged({ part: part.name, number: pieces, ...piece });
  };
  const stored = await backups.readPart(part.name, async (block) => {
    if (block.kind === 'damaged') return damaged({ reason: block.reason, pk: null, raw: block.raw });
    const lines = block.text.split('\n').filter((line) => line !== '');
    const decoded = lines.map((line) => ({ line, ...decodeEntry(line) }));
    const entries = decoded.filter((line) => line.kind === 'entry');
    good += entries.length;
    if (entries.length > 0) await visitor.entries(entries);
    for (const line of decoded) {
      if (line.kind === 'damaged') await damaged({ reason: line.reason, pk: line.pk, raw: line.line });
    }
  });
  if (stored === null) {
    await damaged({ reason: 'the part is missing', pk: null, raw: '' });
    return { part: part.name, reason: 'the part is missing', entries: part.entries };
  }
  if (stored.sha256 === part.sha256) return null;
  const lost = part.entries - good;
  if (lost > 0 && pieces === 0) {
    await damaged({ reason: `${lost} records of the part cannot be found`, pk: null, raw: '' });
  }
  return { part: part.name, reason: 'its bytes are not those that were written', entries: lost };
}
