import type { Clock } from '../kernel/clock.ts';
import type { FlatSource, RangeCounts, RangeState, RangeStore, RangeTask } from './ports.ts';
import type { StopIfStrict } from './stop-if-strict.ts';
import type { WorkerThrottle } from './worker-throttle.ts';
import { backfillImages, type WriteImagesDeps } from './write-images.ts';

export interface MigrateRangeDeps extends WriteImagesDeps {
  readonly source: FlatSource;
  readonly ranges: RangeStore;
  /** Rows of one page and checkpoint; default 250. */
  readonly pageSize?: number;
  /** Longest time that one page may take, and what a killed worker costs; default 30 s. */
  readonly leaseMs?: number;
  /** The limits of this worker; `target` writes through it as well. */
  readonly throttle?: WorkerThrottle;
  /** Told of every page before its checkpoint; stops the copy where validation is strict. */
  readonly stopIfStrict?: StopIfStrict;
}

export type RangeOutcome =
  | { readonly kind: 'completed'; readonly rows: number }
  /** Another worker has it, or had it: nothing to do for this message. */
  | { readonly kind: 'held' | 'already-complete' | 'unknown' }
  /** As many workers as may be are at work: whoever resumes the run sends the range again. */
  | { readonly kind: 'no-slot' }
  /** Somebody else took over in the middle; what was written stays, since it is monotone. */
  | { readonly kind: 'lease-lost' }
  /** The copy was stopped in the middle; the checkpoint says where it goes on. */
  | { readonly kind: 'stopped'; readonly rows: number };

/** Copies one range under a lease, page by page, with a fenced checkpoint after each. */
export function makeMigrateRange(
  deps: MigrateRangeDeps,
): (task: RangeTask, owner: string) => Promise<RangeOutcome> {
  const leaseMs = deps.leaseMs ?? 30_000;
  const pages = makePageSize(deps, leaseMs);
  const copyRange = async (task: RangeTask, owner: string): Promise<RangeOutcome> => {
    const lease = await deps.ranges.acquire(task.rangeId, owner, leaseMs);
    if (lease.kind === 'complete') return { kind: 'already-complete' };
    if (lease.kind !== 'acquired') return { kind: lease.kind };
    try {
      return await copyPages(deps, lease.range, { leaseMs, pages });
    } catch (error) {
      await releaseQuietly(deps.ranges, lease.range);
      throw error;
    }
  };
  return async (task, owner) => {
    const { throttle } = deps;
    if (throttle === undefined) return await copyRange(task, owner);
    if (!(await throttle.enter(owner))) return { kind: 'no-slot' };
    try {
      return await copyRange(task, owner);
    } finally {
      await throttle.leave();
    }
  };
}

async function copyPages(
  deps: MigrateRangeDeps,
  range: RangeState,
  { leaseMs, pages }: { readonly leaseMs: number; readonly pages: PageSize },
): Promise<RangeOutcome> {
  let { after } = range;
  let rows = 0;
  for (;;) {
    const { size, end } = pages.begin();
    const page = await deps.source.readRange(range.recordType, { ...range.range, after }, size);
    const counts: RangeCounts = await backfillImages(deps, page.images, page.lowWatermark);
    rows += counts.read;
    end();
    await deps.stopIfStrict?.(counts);
    const reported = deps.throttle?.reportPage(counts);
    if (page.nextAfter === null) {
      const [completed] = await Promise.all([
        deps.ranges.complete(range.rangeId, range.fence, counts),
        reported,
      ]);
      return completed ? { kind: 'completed', rows } : { kind: 'lease-lost' };
    }
    const [held] = await Promise.all([
      deps.ranges.checkpoint(range.rangeId, range.fence, page.nextAfter, counts, leaseMs),
      reported,
    ]);
    if (!held) return { kind: 'lease-lost' };
    if (deps.throttle?.isStopped() === true) {
      await releaseQuietly(deps.ranges, range);
      return { kind: 'stopped', rows };
    }
    after = page.nextAfter;
  }
}

/** How many rows the next page has; told when it was written. What one range taught holds for the next. */
interface PageSize {
  begin(): { readonly size: number; readonly end: () => void };
}

/**
 * A page must be written well within the lease, and limits may make writing slow: with them pages begin small, grow
 * while they are quick and shrink when they are not.
 */
function makePageSize(
  deps: { readonly clock: Clock; readonly pageSize?: number; readonly throttle?: WorkerThrottle },
  leaseMs: number,
): PageSize {
  const most = deps.pageSize ?? 250;
  let size = deps.throttle === undefined ? most : Math.min(most, firstLimitedPage);
  return {
    begin() {
      const begunAtMs = deps.clock.nowMs();
      const end = (): void => {
        const tookMs = deps.clock.nowMs() - begunAtMs;
        if (tookMs > leaseMs / 4) size = Math.max(1, size >> 1);
        else if (tookMs < leaseMs / 16) size = Math.min(most, size * 2);
      };
      return { size, end };
    },
  };
}

const firstLimitedPage = 50;

/** Only spares the wait for the lease to expire, so its failure must not hide the reason. */
async function releaseQuietly(ranges: RangeStore, range: RangeState): Promise<void> {
  try {
    await ranges.release(range.rangeId, range.fence);
  } catch {
    return;
  }
}
