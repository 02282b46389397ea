import { HalError } from '../../kernel/errors.ts';
import { isBackfillComplete, readBackfillProgress } from '../backfill-progress.ts';
import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import type { FlatSource, RangeStore, SwitchStore } from '../ports.ts';
import { tablesOf } from '../table-lookup.ts';

export interface RestorableDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly switches: SwitchStore;
  readonly ranges: RangeStore;
}

/** Throws HalError `ChangeLogMissing` (from the source) or `RestoreRefused` while anything else moves the category. */
export async function requireRestorable(deps: RestorableDeps, category: Category): Promise<void> {
  await deps.source.lowWatermark(category);
  const last = await deps.switches.current(category);
  if (last !== null && last.stage !== 'done' && last.stage !== 'aborted') {
    throw refused(category, `its authority is being switched to ${last.to} (${last.stage})`);
  }
  const { state } = await deps.source.authority(category);
  if (state === 'fenced') throw refused(category, 'it is fenced');
  if (state === 'open' && (await isCopying(deps, category))) throw refused(category, 'it is being copied');
}

/** A plan that was made and has ranges left to copy. */
async function isCopying({ definition, ranges }: RestorableDeps, category: Category): Promise<boolean> {
  const runId = await ranges.currentRun();
  if (runId === null) return false;
  for (const { recordType } of tablesOf(definition, category)) {
    const progress = await readBackfillProgress(ranges, runId, recordType);
    const isBegun = progress.completeRanges + progress.openRanges > 0;
    if (isBegun && !isBackfillComplete(progress)) return true;
  }
  return false;
}

function refused(category: Category, reason: string): HalError {
  return new HalError({
    name: 'RestoreRefused',
    message: `${category} cannot be restored now: ${reason}.`,
    remedy: 'Wait until it is over (`hal9-migrate state status`), then restore again.',
    exit: 'conflict',
    facts: { category, reason },
  });
}
