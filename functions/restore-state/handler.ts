import * as z from 'zod/mini';

import { countNewerWrites, type NewerWrites } from '../../lib/migration/backup/count-newer-writes.ts';
import {
  makeRestoreBackup,
  type RestoreAnswer,
  type RestoreBackupDeps,
} from '../../lib/migration/backup/restore-backup.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';

export interface RestoreStateHandlerDeps extends RestoreBackupDeps {
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

/** Counts the writes that are newer than a checkpoint, or brings categories back to it. */
export function makeHandler(
  deps: RestoreStateHandlerDeps,
): (event: unknown) => Promise<RestoreAnswer | readonly NewerWrites[]> {
  const known = categoriesOf(deps.definition);
  const common = {
    checkpointId: z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,99}$/)),
    categories: z.optional(z.array(z.enum(known))),
  };
  const requestSchema = z.discriminatedUnion('action', [
    z.object({ action: z.literal('count-newer'), ...common }),
    z.object({
      action: z.literal('restore'),
      ...common,
      restoreId: z.string().check(z.regex(/^[a-z0-9-]{1,40}$/)),
      newer: z.enum(['reapply', 'set-aside']),
      dryRun: z.boolean(),
      cursor: z.optional(z.nullable(z.string())),
    }),
  ]);
  const restoreBackup = makeRestoreBackup(deps);
  return (event) => {
    const request = requestSchema.parse(event);
    const categories = request.categories ?? known;
    if (request.action === 'count-newer') return countNewerWrites(deps, request.checkpointId, categories);
    const deadlineMs = deps.clock.nowMs() + deps.timeBudgetMs;
    return restoreBackup({ ...request, categories, cursor: request.cursor ?? null }, deadlineMs);
  };
}
