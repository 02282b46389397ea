import * as z from 'zod/mini';

import type { Clock } from '../../kernel/clock.ts';
import { sha256Hex } from '../../kernel/sha256.ts';
import type { BackupManifest } from './backup-manifest.ts';
import type { BackupStore } from './ports.ts';
import { openBackup, readBackupPart, type PartFault } from './read-backup.ts';

export interface BackupVerification {
  readonly checkpointId: string;
  readonly parts: number;
  readonly partsRead: number;
  readonly entries: number;
  readonly entriesRead: number;
  readonly faults: readonly PartFault[];
  /** Every part was read, every byte is what was written, and the records add up to the hash of each category. */
  readonly intact: boolean;
}

export type VerifyBackupAnswer =
  | { readonly done: false; readonly cursor: string; readonly verification: BackupVerification }
  | { readonly done: true; readonly verification: BackupVerification };

const positionSchema = z.object({
  part: z.int(),
  entriesRead: z.int(),
  chains: z.record(z.string(), z.string()),
  faults: z.array(z.object({ part: z.string(), reason: z.string(), entries: z.int() })),
});

type Position = z.infer<typeof positionSchema>;

/** Reads every part again. Throws HalError `BackupMissing` and `BackupDamaged`. */
export function makeVerifyBackup(deps: {
  readonly backups: BackupStore;
  readonly clock: Clock;
}): (
  request: { checkpointId: string; cursor: string | null },
  deadlineMs: number,
) => Promise<VerifyBackupAnswer> {
  return async ({ checkpointId, cursor }, deadlineMs) => {
    const manifest = await openBackup(deps.backups, checkpointId);
    let position: Position =
      cursor === null
        ? { part: 0, entriesRead: 0, chains: {}, faults: [] }
        : positionSchema.parse(JSON.parse(cursor));
    while (position.part < manifest.parts.length) {
      position = await verifyPart(deps.backups, manifest, position);
      if (deps.clock.nowMs() >= deadlineMs && position.part < manifest.parts.length) {
        return {
          done: false,
          cursor: JSON.stringify(position),
          verification: verificationOf(manifest, position, position.faults),
        };
      }
    }
    const faults = [...position.faults, ...hashFaults(manifest, position)];
    return { done: true, verification: verificationOf(manifest, position, faults) };
  };
}

async function verifyPart(
  backups: BackupStore,
  manifest: BackupManifest,
  position: Position,
): Promise<Position> {
  const part = manifest.parts[position.part];
  if (part === undefined) return { ...position, part: position.part + 1 };
  let chain = position.chains[part.category] ?? '';
  let { entriesRead } = position;
  const fault = await readBackupPart(backups, part, {
    entries: (entries) => {
      for (const { hash } of entries) chain = sha256Hex(chain + hash);
      entriesRead += entries.length;
      return Promise.resolve();
    },
    damaged: () => Promise.resolve(),
  });
  return {
    part: position.part + 1,
    entriesRead,
    chains: { ...position.chains, [part.category]: chain },
    faults: fault === null ? position.faults : [...position.faults, fault],
  };
}

function hashFaults(manifest: BackupManifest, { chains, faults }: Position): readonly PartFault[] {
  if (faults.length > 0) return [];
  return manifest.categories
    .filter(({ category, sha256 }) => (chains[category] ?? '') !== sha256)
    .map(({ category, entries }) => ({
      part: category,
      reason: 'the records do not add up to the hash of the category',
      entries,
    }));
}

function verificationOf(
  manifest: BackupManifest,
  { part, entriesRead }: Position,
  faults: readonly PartFault[],
): BackupVerification {
  const entries = manifest.parts.reduce((sum, other) => sum + other.entries, 0);
  const isWhole = part === manifest.parts.length && entriesRead === entries;
  return {
    checkpointId: manifest.checkpointId,
    parts: manifest.parts.length,
    partsRead: part,
    entries,
    entriesRead,
    faults,
    intact: isWhole && faults.length === 0,
  };
}
