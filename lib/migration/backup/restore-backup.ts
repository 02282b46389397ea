import * as z from 'zod/mini';

import { HalError } from '../../kernel/errors.ts';
import type { Category } from '../category.ts';
import { recordPk } from '../key.ts';
import { encodeRow } from '../row-encoding.ts';
import { pieceKey } from '../set-aside-key.ts';
import type { BackupEntry } from './backup-entry.ts';
import type { BackupManifest, BackupPart } from './backup-manifest.ts';
import type { BackupStore } from './ports.ts';
import { openBackup, readBackupPart, type DamagedPiece } from './read-backup.ts';
import { removeCreatedLater } from './remove-created-later.ts';
import { requireRestorable, type RestorableDeps } from './require-restorable.ts';
import {
  restoreEntries,
  type NewerPolicy,
  type RestoreEntriesDeps,
  type RestoreTask,
} from './restore-entries.ts';

export interface RestoreBackupDeps extends RestoreEntriesDeps, RestorableDeps {
  readonly backups: BackupStore;
}

export interface RestoreRequest {
  readonly restoreId: string;
  readonly checkpointId: string;
  readonly categories: readonly Category[];
  readonly newer: NewerPolicy;
  /** Counts what would be done and writes nothing. */
  readonly dryRun: boolean;
  readonly cursor: string | null;
}

const countsSchema = z.object({
  /** Records of the backup that were looked at. */
  entries: z.int(),
  unchanged: z.int(),
  restored: z.int(),
  /** Newer writes that stayed. */
  kept: z.int(),
  /** Newer writes that are in quarantine now. */
  setAside: z.int(),
  /** Records created after the checkpoint that are in quarantine now. */
  removed: z.int(),
  /** Records that neither side has room for; in quarantine. */
  rejected: z.int(),
  /** Pieces of the backup that cannot be read; in quarantine. */
  damaged: z.int(),
});

export type RestoreCounts = z.infer<typeof countsSchema>;

export type RestoreAnswer =
  | {
      readonly done: false;
      readonly cursor: string;
      readonly counts: RestoreCounts;
      readonly entries: number;
    }
  | { readonly done: true; readonly counts: RestoreCounts; readonly entries: number };

const positionSchema = z.object({
  part: z.int(),
  counts: countsSchema,
  /** Categories of which some piece cannot be read: what is not found there may have been in it. */
  incomplete: z.array(z.string()),
  /** Sequence of the change log when the restore began, by category. */
  began: z.record(z.string(), z.int()),
});

type Position = z.infer<typeof positionSchema>;

const nothing: RestoreCounts = {
  entries: 0,
  unchanged: 0,
  restored: 0,
  kept: 0,
  setAside: 0,
  removed: 0,
  rejected: 0,
  damaged: 0,
};

/**
 * Brings categories back to a checkpoint as new writes at the side with authority, each conditional on the content
 * that it replaces. No other category's keys are touched. What cannot be read of the backup goes to quarantine, the
 * rest is restored. Repeating a restore changes nothing more. Throws HalError `BackupMissing`, `BackupDamaged`,
 * `CheckpointLacksCategory`, `RestoreRefused`, `RestoreInterrupted`.
 */
export function makeRestoreBackup(
  deps: RestoreBackupDeps,
): (request: RestoreRequest, deadlineMs: number) => Promise<RestoreAnswer> {
  return async (request, deadlineMs) => {
    const manifest = await openBackup(deps.backups, request.checkpointId);
    requireCategories(manifest, request);
    for (const category of request.categories) await requireRestorable(deps, category);
    const parts = manifest.parts.filter(({ category }) => request.categories.includes(category));
    const entries = parts.reduce((sum, part) => sum + part.entries, 0);
    let position = await firstPosition(deps, request);
    const later = makeLaterKeys(deps.backups, parts);
    while (position.part < parts.length) {
      const part = parts[position.part];
      if (part !== undefined)
        position = await restorePart(deps, request, manifest, { part, position, later });
      if (deps.clock.nowMs() >= deadlineMs) {
        return { done: false, cursor: JSON.stringify(position), counts: position.counts, entries };
      }
    }
    const removed = await removeLater(deps, request, manifest, position);
    return { done: true, counts: { ...position.counts, removed }, entries };
  };
}

function requireCategories(manifest: BackupManifest, { categories, checkpointId }: RestoreRequest): void {
  const held = manifest.categories.map(({ category }) => category);
  const missing = categories.filter((category) => !held.includes(category));
  if (missing.length === 0) return;
  throw new HalError({
    name: 'CheckpointLacksCategory',
    message: `The backup of ${checkpointId} does not hold ${missing.join(', ')}.`,
    remedy: `Choose among ${held.join(', ')}, or another checkpoint.`,
    exit: 'usage',
    facts: { checkpointId, missing, held },
  });
}

async function firstPosition({ source }: RestoreBackupDeps, request: RestoreRequest): Promise<Position> {
  if (request.cursor !== null) return positionSchema.parse(JSON.parse(request.cursor));
  const began: Record<string, number> = {};
  for (const category of request.categories) {
    began[category] = (await source.lowWatermark(category)).sequence;
  }
  return { part: 0, counts: nothing, incomplete: [], began };
}

/** Keys of a category that were read again because they changed meanwhile, each with the hash of its last record. */
type LaterKeys = (category: string) => Promise<ReadonlyMap<string, string>>;

function makeLaterKeys(backups: BackupStore, parts: readonly BackupPart[]): LaterKeys {
  let known: { category: string; keys: ReadonlyMap<string, string> } | null = null;
  return async (category) => {
    if (known?.category === category) return known.keys;
    const keys = new Map<string, string>();
    for (const part of parts.filter((other) => other.category === category && other.kind === 'later')) {
      await readBackupPart(backups, part, {
        entries: (entries) => {
          for (const { entry, hash } of entries) keys.set(recordPk(entry.key), hash);
          return Promise.resolve();
        },
        damaged: () => Promise.resolve(),
      });
    }
    known = { category, keys };
    return keys;
  };
}

async function restorePart(
  deps: RestoreBackupDeps,
  request: RestoreRequest,
  manifest: BackupManifest,
  at: { readonly part: BackupPart; readonly position: Position; readonly later: LaterKeys },
): Promise<Position> {
  const { part, position } = at;
  const task = taskOf(request, manifest, part.category);
  const later = await at.later(part.category);
  /** The last record of a key counts. */
  const isLast = ({ entry, hash }: { entry: BackupEntry; hash: string }): boolean => {
    const last = later.get(recordPk(entry.key));
    return last === undefined || (part.kind === 'later' && last === hash);
  };
  const counts = { ...position.counts };
  await readBackupPart(deps.backups, part, {
    async entries(decoded) {
      const entries = decoded.filter(isLast).map(({ entry }) => entry);
      counts.entries += decoded.length;
      const own = entries.filter((entry) => isOf(deps, entry, task.category));
      await restoreGroup(deps, task, distinct(own), counts);
      for (const entry of entries.filter((one) => !own.includes(one))) {
        counts.damaged += 1;
        const raw = encodeRow(entry.row ?? {});
        const reason = `it is no record of ${task.category}`;
        if (!task.dryRun)
          await quarantinePiece(deps, task, {
            part: part.name,
            number: 0,
            pk: recordPk(entry.key),
            reason,
            raw,
          });
      }
    },
    async damaged(piece) {
      counts.damaged += 1;
      if (!task.dryRun) await quarantinePiece(deps, task, piece);
    },
  });
  const isWhole = counts.damaged === position.counts.damaged;
  const incomplete = isWhole ? position.incomplete : [...position.incomplete, part.category];
  return { ...position, part: position.part + 1, counts, incomplete };
}

function taskOf(request: RestoreRequest, manifest: BackupManifest, category: string): RestoreTask {
  const cut = manifest.categories.find((hash) => hash.category === category)?.cut ?? null;
  const { restoreId, newer, dryRun } = request;
  return { restoreId, newer, dryRun, cut, category };
}

function isOf({ definition }: RestoreBackupDeps, { key }: BackupEntry, category: Category): boolean {
  return definition.tables.some(
    (table) => table.recordType === key.recordType && table.category === category,
  );
}

/** The same content of a key may stand there twice. */
function distinct(entries: readonly BackupEntry[]): readonly BackupEntry[] {
  return [...new Map(entries.map((entry) => [recordPk(entry.key), entry])).values()];
}

async function restoreGroup(
  deps: RestoreBackupDeps,
  task: RestoreTask,
  entries: readonly BackupEntry[],
  counts: { -readonly [Name in keyof RestoreCounts]: RestoreCounts[Name] },
): Promise<void> {
  for (const outcome of await restoreEntries(deps, task, entries)) {
    if (outcome === 'authority-moved') throw interrupted(task);
    counts[outcome] += 1;
  }
}

function interrupted({ category, restoreId }: RestoreTask): HalError {
  return new HalError({
    name: 'RestoreInterrupted',
    message: `Authority over ${category} moved while it was being restored; what was restored stays.`,
    remedy: 'Let the switch finish, then restore again: what is done already is found unchanged.',
    exit: 'conflict',
    facts: { category, restoreId },
  });
}

async function quarantinePiece(
  { quarantine, clock }: RestoreBackupDeps,
  { restoreId, category }: RestoreTask,
  piece: DamagedPiece,
): Promise<void> {
  const raw = typeof piece.raw === 'string' ? piece.raw : encodeRow({ bytes: piece.raw });
  await quarantine.put({
    key: pieceKey(piece, restoreId),
    category,
    version: { epoch: 0, sequence: 0 },
    errorName: 'BackupRecordDamaged',
    errorMessage: `${piece.part}: ${piece.reason}`,
    rawRow: raw,
    rawLengthBytes: Buffer.byteLength(raw),
    firstSeenAtMs: clock.nowMs(),
  });
}

async function removeLater(
  deps: RestoreBackupDeps,
  request: RestoreRequest,
  manifest: BackupManifest,
  { incomplete, began }: Position,
): Promise<number> {
  if (request.newer !== 'set-aside') return 0;
  let removed = 0;
  for (const category of request.categories) {
    if (incomplete.includes(category)) continue;
    const task = taskOf(request, manifest, category);
    removed += await removeCreatedLater(deps, manifest, task, began[category] ?? 0);
  }
  return removed;
}
