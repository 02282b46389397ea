import { HalError } from '../../kernel/errors.ts';
import { isBackfillComplete, readBackfillProgress } from '../backfill-progress.ts';
import type { Category } from '../category.ts';
import { requireUninterruptedLog } from '../log-gaps.ts';
import { proveReversePath } from '../reverse-canary.ts';
import { sourceOffline } from '../source-offline.ts';
import { requireLayers, requireSmallLag } from '../switch-guards.ts';
import { tablesOf } from '../table-lookup.ts';
import type { SwitchAuthorityDeps, SwitchRequest } from './deps.ts';

/** What has to hold before a switch begins; how long the way back took when it was tried, in milliseconds. */
export async function requireReady(
  deps: SwitchAuthorityDeps,
  request: SwitchRequest,
): Promise<number | null> {
  const { category, to } = request;
  if (to === 'hierarchical') {
    await requireBackfill(deps, category);
    if (deps.guards !== null) await requireLayers(deps.guards, deps.definition, category);
    await requireUninterruptedLog(deps.source, category);
    return await requireWayBack(deps, category);
  }
  if (deps.source.isOffline === true)
    throw sourceOffline(`authority over ${category} cannot go back to flat`, { category });
  return null;
}

/** Rows that were not copied yet would be unknown to the new authority. */
async function requireBackfill(deps: SwitchAuthorityDeps, category: Category): Promise<void> {
  const runId = await deps.ranges.currentRun();
  for (const { recordType } of tablesOf(deps.definition, category)) {
    const progress = runId === null ? null : await readBackfillProgress(deps.ranges, runId, recordType);
    if (progress !== null && isBackfillComplete(progress)) continue;
    throw new HalError({
      name: 'BackfillIncomplete',
      message: `${category} cannot change authority: the copy of ${recordType} is not complete`,
      remedy: 'wait until `state progress` shows the category complete, then switch again',
      exit: 'gateFailed',
      facts: { category, recordType, runId, progress },
    });
  }
}

/** Little to apply, and a reverse path that has just carried a record: how long that took, in milliseconds. */
async function requireWayBack(deps: SwitchAuthorityDeps, category: Category): Promise<number | null> {
  const { guards, clock } = deps;
  if (guards === null) return null;
  const { switchLimits } = await guards.settings.read();
  await requireSmallLag(deps, category, { nowMs: clock.nowMs(), limit: switchLimits.relayLagEntries });
  // Nothing can be carried back, which whoever chose such a store was told.
  if (deps.source.isOffline === true) return null;
  return await proveReversePath({ ...guards, clock }, category);
}
