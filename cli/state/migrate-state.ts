import { setTimeout as sleep } from 'node:timers/promises';

import { HalError } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import {
  copyProgress,
  type CopyProgress,
  type StateDescription,
} from '../../lib/migration/state-description.ts';
import { describeHeldLog } from '../../lib/migration/held-log.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type { CopyStop } from '../../lib/migration/settings.ts';
import type { CategoryStatus } from '../../lib/migration/state-status.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { describeState } from './describe-state.ts';
import { forecastState } from './limits.ts';

/** One backfill per migration: planning it again finishes what is missing. */
const backfillRunId = 'backfill';

const pollMs = 250;
const mostCalls = 20;

export interface MigrateStateRequest {
  readonly categories: readonly Category[];
  readonly definition: MigrationDefinition;
  /** What the forecast is reckoned with, which the run is measured against. */
  readonly region: string;
  readonly workers: number;
  /** Stop watching after this long; the copy goes on. */
  readonly timeoutMs: number | null;
  /** Ends the watching. */
  readonly signal?: AbortSignal;
  readonly onProgress: (progress: CopyProgress) => void;
}

export type MigrateStateResult = CopyProgress & {
  readonly elapsedMs: number;
  /** Strict validation may have stopped what else is copied with the last page. */
  readonly copy: CopyStop;
};

/**
 * Installs the change log, plans the copy and watches it until it is complete and the log is applied.
 * Running it again resumes: nothing is copied twice that a checkpoint covers.
 */
export async function migrateState(
  invoker: FunctionInvoker,
  request: MigrateStateRequest,
): Promise<MigrateStateResult> {
  const startedAtMs = performance.now();
  const functions = patient(invoker);
  requireRunning(await describeState(functions));
  const recordTypes = request.definition.tables
    .filter(({ category }) => request.categories.includes(category))
    .map(({ recordType }) => recordType);
  await functions.invoke('prepare-source', { action: 'install' });
  const { region, workers } = request;
  await forecastState(functions, { region, workers, recordTypes, runId: backfillRunId });
  await functions.invoke('plan-batches', { action: 'plan', runId: backfillRunId, recordTypes });
  let cut: ReadonlyMap<Category, number> | null = null;
  for (;;) {
    const described = await describeState(functions);
    requireHeldLog(described);
    const chosen = described.categories.filter(({ category }) => request.categories.includes(category));
    const progress = copyProgress(chosen);
    const elapsedMs = performance.now() - startedAtMs;
    request.signal?.throwIfAborted();
    request.onProgress(progress);
    // Writers never stop, so the log is measured against where it was when the copy became complete.
    if (progress.complete)
      cut ??= new Map(chosen.map(({ category, relay }) => [category, relay.lastSequence]));
    if (cut !== null && isAppliedUpTo(chosen, cut)) {
      return { ...progress, elapsedMs, copy: described.settings.copy };
    }
    if (!progress.complete) requireRunning(described);
    if (request.timeoutMs !== null && elapsedMs > request.timeoutMs) throw stillCopying(progress);
    await sleep(pollMs, undefined, request.signal === undefined ? {} : { signal: request.signal });
  }
}

/** Whoever stopped the copy had a reason, so that another command does not simply start it again. */
export function requireRunning({ settings: { copy } }: StateDescription): void {
  if (!copy.stopped) return;
  throw new HalError({
    name: 'CopyStopped',
    message: `The copy was stopped by ${copy.by}: ${copy.reason}.`,
    remedy:
      'When the cause is gone, let it go on with `hal9-migrate state-migration --resume`; quarantined records are listed by `hal9-migrate state quarantine list`.',
    exit: 'conflict',
    facts: { ...copy },
  });
}

/** Without its log nothing can be copied or carried on any more: watching would never end. */
function requireHeldLog({ heldLog }: StateDescription): void {
  if (heldLog?.isLost !== true) return;
  throw new HalError({
    name: 'ReplicationSlotLost',
    message: `The flat store gave up the log that the migration had not read yet: ${describeHeldLog(heldLog)}.`,
    remedy:
      'Run `hal9-migrate state migrate` again, which logs every row once more; then `hal9-migrate reconcile --full --fix-mode auto` mends what was deleted meanwhile.',
    exit: 'conflict',
    facts: { ...heldLog },
  });
}

/** A call that fails does not end the watch: all of them may be repeated, and functions may fail for a moment. */
function patient(invoker: FunctionInvoker): FunctionInvoker {
  return {
    async invoke(folder, payload) {
      for (let call = 1; ; call += 1) {
        try {
          return await invoker.invoke(folder, payload);
        } catch (error) {
          if (!(error instanceof HalError) || error.name !== 'FunctionFailed' || call === mostCalls)
            throw error;
        }
        await sleep(pollMs);
      }
    },
  };
}

/** Sequences are common to all categories: what is applied of a quiet one may end before the cut for ever. */
export function isAppliedUpTo(
  chosen: readonly Pick<CategoryStatus, 'category' | 'relay'>[],
  cut: ReadonlyMap<Category, number>,
): boolean {
  return chosen.every(({ category, relay: { appliedThrough, lastSequence } }) => {
    return appliedThrough >= (cut.get(category) ?? 0) || appliedThrough >= lastSequence;
  });
}

function stillCopying(progress: CopyProgress): HalError {
  return new HalError({
    name: 'StillCopying',
    message: `The copy is not complete yet: ${progress.copiedRows} of ${progress.rows} rows.`,
    remedy: 'It goes on by itself; watch it with `hal9-migrate state progress`.',
    exit: 'timedOut',
    facts: { ...progress },
  });
}
