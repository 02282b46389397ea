import { HalError } from '../../kernel/errors.ts';
import type { BackupManifest, BackupSummary } from '../../migration/backup/backup-manifest.ts';
import type { NewerWrites } from '../../migration/backup/count-newer-writes.ts';
import type { RestoreAnswer, RestoreCounts } from '../../migration/backup/restore-backup.ts';
import type { NewerPolicy } from '../../migration/backup/restore-entries.ts';
import type { BackupAnswer, BackupProgress } from '../../migration/backup/take-backup.ts';
import type { BackupVerification, VerifyBackupAnswer } from '../../migration/backup/verify-backup.ts';
import type { Category } from '../../migration/category.ts';
import { checkpointId, type Checkpoint } from '../checkpoint.ts';
import type { FunctionInvoker } from '../function-invoker.ts';
import type { CheckpointStore, RunStore } from '../ports.ts';
import { isActive } from '../run.ts';
import { createCheckpoint, type CheckpointDeps, type CheckpointRequest } from './checkpoints.ts';

/** A checkpoint with the hashes of what it is about, and with a backup of it when `full`; of every category without a list. */
export async function createHashedCheckpoint(
  deps: CheckpointDeps,
  request: CheckpointRequest & { readonly full: boolean; readonly categories?: readonly Category[] },
  onProgress: (progress: BackupProgress) => void,
): Promise<Checkpoint> {
  const createdAtMs = deps.clock.nowMs();
  const id = checkpointId(request.name, createdAtMs);
  let cursor: string | null = null;
  for (;;) {
    const answer = (await deps.invoker.invoke('backup-state', {
      action: 'back-up',
      checkpointId: id,
      full: request.full,
      ...(request.categories === undefined ? {} : { categories: request.categories }),
      cursor,
    })) as BackupAnswer;
    onProgress(answer.progress);
    if (answer.done) {
      const { categories: hashes, backup } = answer;
      const content: { hashes: Checkpoint['hashes'] & object; backup?: BackupSummary } = {
        hashes,
        ...(backup === null ? {} : { backup }),
      };
      return await createCheckpoint(deps, { ...request, createdAtMs, content });
    }
    ({ cursor } = answer);
  }
}

/** Reads a backup again, every byte of it. */
export async function verifyCheckpoint(
  { invoker }: { readonly invoker: FunctionInvoker },
  id: string,
  onProgress: (verification: BackupVerification) => void,
): Promise<BackupVerification> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke('backup-state', {
      action: 'verify',
      checkpointId: id,
      cursor,
    })) as VerifyBackupAnswer;
    onProgress(answer.verification);
    if (answer.done) return answer.verification;
    ({ cursor } = answer);
  }
}

export async function readBackupManifest(
  { invoker }: { readonly invoker: FunctionInvoker },
  id: string,
): Promise<BackupManifest> {
  return (await invoker.invoke('backup-state', { action: 'manifest', checkpointId: id })) as BackupManifest;
}

/** Checkpoints looked through for a name. */
const mostLookedAt = 500;

/**
 * By id, by name (the newest of that name), or `latest`: the newest, with a backup when one is needed.
 * Throws HalError `CheckpointUnknown`.
 */
export async function findCheckpoint(
  { checkpoints }: { readonly checkpoints: CheckpointStore },
  given: string,
  needs: 'backup' | 'anything' = 'anything',
): Promise<Checkpoint> {
  const all = await checkpoints.list(mostLookedAt);
  const usable = all.filter(({ backup }) => needs === 'anything' || backup !== undefined);
  const found =
    given === 'latest'
      ? usable[0]
      : (all.find(({ checkpointId: id }) => id === given) ?? usable.find(({ name }) => name === given));
  if (found !== undefined) return found;
  throw new HalError({
    name: 'CheckpointUnknown',
    message:
      given === 'latest'
        ? `There is no checkpoint${needs === 'backup' ? ' with a backup' : ''} yet.`
        : `There is no checkpoint "${given}".`,
    remedy:
      given === 'latest'
        ? 'Make one: `hal9-migrate state checkpoint --name NAME --full-backup`.'
        : 'Take an id or a name from `hal9-migrate state list-checkpoints`, or say latest.',
    exit: 'usage',
    facts: { given, known: all.slice(0, 10).map(({ checkpointId: id }) => id) },
  });
}

export interface RestoreWish {
  readonly restoreId: string;
  readonly checkpointId: string;
  readonly categories: readonly Category[];
  readonly newer: NewerPolicy;
  readonly dryRun: boolean;
}

/** Throws HalError `MigrationRunning`. */
export async function requireNoRun({ runs }: { readonly runs: RunStore }): Promise<void> {
  const run = await runs.current();
  if (run === null || !isActive(run)) return;
  throw new HalError({
    name: 'MigrationRunning',
    message: `The run ${run.runId} is at work (${run.phase}, ${run.status}); nothing is restored under it.`,
    remedy: 'Wait until it is held or over, or take it back with `hal9-migrate rollback`, then restore.',
    exit: 'conflict',
    facts: { runId: run.runId, phase: run.phase, status: run.status },
  });
}

export async function countNewer(
  { invoker }: { readonly invoker: FunctionInvoker },
  { checkpointId: id, categories }: Pick<RestoreWish, 'checkpointId' | 'categories'>,
): Promise<readonly NewerWrites[]> {
  return (await invoker.invoke('restore-state', {
    action: 'count-newer',
    checkpointId: id,
    categories,
  })) as readonly NewerWrites[];
}

/** Throws HalError `MigrationRunning`, and what the function refuses. */
export async function restoreCheckpoint(
  deps: { readonly runs: RunStore; readonly invoker: FunctionInvoker },
  wish: RestoreWish,
  onProgress: (counts: RestoreCounts, entries: number) => void,
): Promise<RestoreCounts> {
  let cursor: string | null = null;
  for (;;) {
    // Looked at before each portion: a run that begins meanwhile is met at the next one.
    await requireNoRun(deps);
    const answer = (await deps.invoker.invoke('restore-state', {
      action: 'restore',
      ...wish,
      cursor,
    })) as RestoreAnswer;
    onProgress(answer.counts, answer.entries);
    if (answer.done) return answer.counts;
    ({ cursor } = answer);
  }
}
