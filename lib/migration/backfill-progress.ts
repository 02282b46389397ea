import type { RangeCounts, RangeState, RangeStore } from './ports.ts';

/** How far the backfill of one record type is. */
export interface BackfillProgress {
  /** null until every range is planned. */
  readonly plannedRanges: number | null;
  readonly completeRanges: number;
  readonly openRanges: number;
  readonly counts: RangeCounts;
}

export async function readBackfillProgress(
  ranges: RangeStore,
  runId: string,
  recordType: string,
): Promise<BackfillProgress> {
  const finished = await ranges.finishedRanges(runId, recordType);
  return finished === null ? await listProgress(ranges, runId, recordType) : { ...finished, openRanges: 0 };
}

async function listProgress(
  ranges: RangeStore,
  runId: string,
  recordType: string,
): Promise<BackfillProgress> {
  let completeRanges = 0;
  let openRanges = 0;
  const counts = { read: 0, written: 0, kept: 0, quarantined: 0 };
  for await (const range of eachRange(ranges, runId, recordType)) {
    if (range.state === 'complete') completeRanges += 1;
    else openRanges += 1;
    for (const name of countNames) counts[name] += range.counts[name];
  }
  const plannedRanges = await ranges.plannedRangeCount(runId, recordType);
  return { plannedRanges, completeRanges, openRanges, counts };
}

/** The plan is closed, and every range of it (and of an abandoned plan before it) is complete. */
export function isBackfillComplete(progress: BackfillProgress): boolean {
  const { plannedRanges, completeRanges, openRanges } = progress;
  return plannedRanges !== null && openRanges === 0 && completeRanges >= plannedRanges;
}

/** So that whoever looks next need not list what is over; for those who may write. */
async function rememberIfFinished(
  ranges: RangeStore,
  runId: string,
  recordType: string,
  progress: BackfillProgress,
): Promise<void> {
  const { plannedRanges, completeRanges, counts } = progress;
  if (plannedRanges === null || !isBackfillComplete(progress)) return;
  await ranges.rememberFinished(runId, recordType, { plannedRanges, completeRanges, counts });
}

export interface RunProgress {
  readonly complete: boolean;
  readonly completeRanges: number;
  readonly openRanges: number;
  readonly counts: RangeCounts;
}

/** How far a whole backfill run is; what is found finished is remembered. */
export async function readRunProgress(
  ranges: RangeStore,
  runId: string,
  recordTypes: readonly string[],
): Promise<RunProgress> {
  const counts = { read: 0, written: 0, kept: 0, quarantined: 0 };
  let [completeRanges, openRanges, complete] = [0, 0, true];
  for (const recordType of recordTypes) {
    const progress = await readBackfillProgress(ranges, runId, recordType);
    await rememberIfFinished(ranges, runId, recordType, progress);
    completeRanges += progress.completeRanges;
    openRanges += progress.openRanges;
    complete &&= isBackfillComplete(progress);
    for (const name of countNames) counts[name] += progress.counts[name];
  }
  return { complete, completeRanges, openRanges, counts };
}

export async function* eachRange(
  ranges: RangeStore,
  runId: string,
  recordType: string,
): AsyncGenerator<RangeState> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<RangeStore['list']>> = await ranges.list(runId, recordType, cursor);
    yield* page.ranges;
    cursor = page.cursor;
  } while (cursor !== null);
}

const countNames = ['read', 'written', 'kept', 'quarantined'] as const satisfies (keyof RangeCounts)[];
