import type { Category } from '../category.ts';
import { readPosition } from '../judge-keys.ts';
import type { CategoryVerification, VerificationReport } from '../verification-report.ts';
import { advanceDigests, type AdvanceDeps } from './advance-digests.ts';
import { beginDigests, type KeptCategory } from './kept-digests.ts';
import type { KeptDigestStore } from './ports.ts';
import { dropDigests, openDigests, saveDigests } from './stored-digests.ts';

export interface KeepDigestsDeps extends AdvanceDeps {
  readonly kept: KeptDigestStore;
}

/**
 * Before a complete comparison: notes where both feeds stand. The log's place comes first, so that what is applied by
 * then is rather behind the stream's place than before the log's. What changes from here on is folded; all else is what
 * the comparison is about.
 */
export async function beginAnchor(
  deps: KeepDigestsDeps,
  categories: readonly Category[],
  startedAtMs: number,
): Promise<void> {
  const kept: KeptCategory[] = [];
  for (const category of categories) {
    const position = await readPosition(deps, category, await deps.source.lowWatermark(category));
    const { epoch } = position.lowWatermark;
    const counts = { verified: 0, quarantined: 0, tombstoned: 0 };
    const { authority, appliedThrough } = position;
    kept.push({ category, authority, epoch, logThrough: appliedThrough, counts });
  }
  const digests = beginDigests(startedAtMs, kept, await deps.stream.latest());
  const revision = (await deps.kept.load())?.revision ?? 0;
  await saveDigests(deps.kept, { digests, revision });
}

/** While the comparison takes several invocations: places in the stream are good for minutes only. */
export async function goOnAnchoring(deps: KeepDigestsDeps): Promise<void> {
  const opened = await openDigests(deps.kept);
  if (opened === null || opened.digests.stage === 'kept') return;
  const advanced = await advanceDigests(deps, opened.digests);
  if (advanced.kind === 'lost') await dropDigests(deps.kept, opened.revision);
  else await saveDigests(deps.kept, opened);
}

/** After the comparison: the digests count from now on, if it found the sides equal. */
export async function finishAnchor(
  deps: KeepDigestsDeps,
  report: VerificationReport,
  startedAtMs: number,
): Promise<void> {
  if (report.outcome !== 'verified' && report.outcome !== 'pending') return;
  const opened = await openDigests(deps.kept);
  if (opened === null || opened.digests.stage === 'kept') return;
  const { digests, revision } = opened;
  if (digests.anchoredAtMs !== startedAtMs) return;
  const advanced = await advanceDigests(deps, digests);
  if (advanced.kind === 'lost') {
    await dropDigests(deps.kept, revision);
    return;
  }
  for (const kept of digests.categories) kept.counts = countsOf(report.byCategory[kept.category]);
  digests.stage = 'kept';
  await saveDigests(deps.kept, opened);
}

/** What was pending is on its way: the log has it. */
function countsOf(counted: CategoryVerification | undefined): KeptCategory['counts'] {
  const { verified = 0, pending = 0, quarantined = 0, tombstoned = 0 } = counted ?? {};
  return { verified: verified + pending, quarantined, tombstoned };
}
