import * as z from 'zod/mini';

import type { BackupManifest } from '../../lib/migration/backup/backup-manifest.ts';
import { openBackup } from '../../lib/migration/backup/read-backup.ts';
import {
  makeTakeBackup,
  type BackupAnswer,
  type TakeBackupDeps,
} from '../../lib/migration/backup/take-backup.ts';
import { makeVerifyBackup, type VerifyBackupAnswer } from '../../lib/migration/backup/verify-backup.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';

export interface BackupStateHandlerDeps extends TakeBackupDeps {
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

/** Takes the backup or the hashes of a checkpoint, reads a backup again, or hands out its manifest. */
export function makeHandler(
  deps: BackupStateHandlerDeps,
): (event: unknown) => Promise<BackupAnswer | VerifyBackupAnswer | BackupManifest> {
  const known = categoriesOf(deps.definition);
  const checkpointId = z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,99}$/));
  const cursor = z.optional(z.nullable(z.string()));
  const requestSchema = z.discriminatedUnion('action', [
    z.object({
      action: z.literal('back-up'),
      checkpointId,
      full: z.boolean(),
      categories: z.optional(z.array(z.enum(known))),
      cursor,
    }),
    z.object({ action: z.literal('verify'), checkpointId, cursor }),
    z.object({ action: z.literal('manifest'), checkpointId }),
  ]);
  const takeBackup = makeTakeBackup(deps);
  const verifyBackup = makeVerifyBackup(deps);
  return (event) => {
    const request = requestSchema.parse(event);
    const deadlineMs = deps.clock.nowMs() + deps.timeBudgetMs;
    if (request.action === 'manifest') return openBackup(deps.backups, request.checkpointId);
    const resumed = { ...request, cursor: request.cursor ?? null };
    if (resumed.action === 'verify') return verifyBackup(resumed, deadlineMs);
    return takeBackup({ ...resumed, categories: resumed.categories ?? known }, deadlineMs);
  };
}
