import type { Category } from '../category.ts';
import { fixDifferences, type ReconcileAnswer, type ReconcileDeps } from '../reconcile-state.ts';
import type { OpenedDigests } from './stored-digests.ts';
import { advanceDigests, type Advanced } from './advance-digests.ts';
import type { KeepDigestsDeps } from './anchor-digests.ts';
import { compareDigests, type DigestComparison } from './compare-digests.ts';
import { judgeSuspects } from './judge-suspects.ts';
import { keptCategory } from './kept-digests.ts';
import { reportKept } from './report-kept.ts';
import { dropDigests, openDigests, saveDigests } from './stored-digests.ts';

export interface KeptReconcileDeps extends ReconcileDeps, KeepDigestsDeps {}

export interface KeptReconcileRequest {
  readonly categories: readonly Category[];
  readonly fix: boolean;
  /** Digests of an older comparison are not used. */
  readonly notBeforeMs?: number;
}

/**
 * Compares both sides by the digests that are kept: reads what changed since the last time, compares the sums, and
 * looks only at keys that differ. null when no digests speak for all of the categories: then only a complete
 * comparison tells.
 */
export function makeReconcileKept(
  deps: KeptReconcileDeps,
): (request: KeptReconcileRequest) => Promise<ReconcileAnswer | null> {
  return async (request) => {
    const startedAtMs = deps.clock.nowMs();
    const opened = await openFor(deps, request);
    if (opened === null) return null;
    const { digests, revision } = opened;
    const advanced = await advanceDigests(deps, digests);
    const comparison = advanced.kind === 'lost' ? null : compareDigests(digests, advanced.appliedThrough);
    if (advanced.kind === 'lost' || comparison === null || comparison.isTorn) {
      await dropDigests(deps.kept, revision);
      return null;
    }
    return compared(deps, request, opened, { startedAtMs, advanced, comparison });
  };
}

async function openFor(
  { kept }: KeptReconcileDeps,
  { categories, notBeforeMs = 0 }: KeptReconcileRequest,
): Promise<OpenedDigests | null> {
  const opened = await openDigests(kept);
  if (opened === null || opened.digests.stage !== 'kept') return null;
  if (opened.digests.anchoredAtMs < notBeforeMs) return null;
  return categories.every((category) => keptCategory(opened.digests, category)) ? opened : null;
}

async function compared(
  deps: KeptReconcileDeps,
  { categories, fix }: KeptReconcileRequest,
  opened: OpenedDigests,
  { startedAtMs, advanced, comparison }: Compared,
): Promise<ReconcileAnswer> {
  const { digests } = opened;
  const suspects = comparison.suspects.filter((pk) =>
    categories.includes(digests.open.get(pk)?.category ?? ''),
  );
  const judged = await judgeSuspects(deps, digests, suspects);
  const report = reportKept(deps, digests, {
    categories,
    startedAtMs,
    endedAtMs: deps.clock.nowMs(),
    advanced,
    judged,
    unequal: comparison.unequal,
  });
  // Whoever saved meanwhile has read the same feeds; what was judged here is judged again there.
  await saveDigests(deps.kept, opened);
  const { differences } = report;
  const fixes = fix && differences.length > 0 ? await fixDifferences(deps, differences) : null;
  return { done: true, cursor: null, report, fixes };
}

interface Compared {
  readonly startedAtMs: number;
  readonly advanced: Advanced;
  readonly comparison: DigestComparison;
}
