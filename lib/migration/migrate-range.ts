import type { FlatSource, RangeCounts, RangeState, RangeStore, RangeTask } from './ports.ts';
import { backfillImages, type WriteImagesDeps } from './write-images.ts';

export interface MigrateRangeDeps extends WriteImagesDeps {
  readonly source: FlatSource;
  readonly ranges: RangeStore;
  /** Rows of one page and checkpoint; default 250. */
  readonly pageSize?: number;
  /** Longest time that one page may take, and what a killed worker costs; default 30 s. */
  readonly leaseMs?: number;
}

export type RangeOutcome =
  | { readonly kind: 'completed'; readonly rows: number }
  /** Another worker has it, or had it: nothing to do for this message. */
  | { readonly kind: 'held' | 'already-complete' | 'unknown' }
  /** Somebody else took over in the middle; what was written stays, since it is monotone. */
  | { readonly kind: 'lease-lost' };

/** Copies one range under a lease, page by page, with a fenced checkpoint after each. */
export function makeMigrateRange(
  deps: MigrateRangeDeps,
): (task: RangeTask, owner: string) => Promise<RangeOutcome> {
  const leaseMs = deps.leaseMs ?? 30_000;
  return async (task, owner) => {
    const lease = await deps.ranges.acquire(task.rangeId, owner, leaseMs);
    if (lease.kind === 'complete') return { kind: 'already-complete' };
    if (lease.kind !== 'acquired') return { kind: lease.kind };
    try {
      return await copyPages(deps, lease.range, leaseMs);
    } catch (error) {
      await releaseQuietly(deps.ranges, lease.range);
      throw error;
    }
  };
}

async function copyPages(deps: MigrateRangeDeps, range: RangeState, leaseMs: number): Promise<RangeOutcome> {
  let { after } = range;
  let rows = 0;
  for (;;) {
    const page = await deps.source.readRange(
      range.recordType,
      { after, upTo: range.range.upTo },
      deps.pageSize ?? 250,
    );
    const counts: RangeCounts = await backfillImages(deps, page.images, page.lowWatermark);
    rows += counts.read;
    if (page.nextAfter === null) {
      const completed = await deps.ranges.complete(range.rangeId, range.fence, counts);
      return completed ? { kind: 'completed', rows } : { kind: 'lease-lost' };
    }
    const held = await deps.ranges.checkpoint(range.rangeId, range.fence, page.nextAfter, counts, leaseMs);
    if (!held) return { kind: 'lease-lost' };
    after = page.nextAfter;
  }
}

/** Only spares the wait for the lease to expire, so its failure must not hide the reason. */
async function releaseQuietly(ranges: RangeStore, range: RangeState): Promise<void> {
  try {
    await ranges.release(range.rangeId, range.fence);
  } catch {
    return;
  }
}
