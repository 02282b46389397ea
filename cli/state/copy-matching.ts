import type { Category } from '../../lib/migration/category.ts';
import type { CopyMatchingAnswer, MatchingCounts } from '../../lib/migration/copy-matching.ts';
import type { RowFilter } from '../../lib/migration/row-filter.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { describeState } from './describe-state.ts';
import { requireRunning } from './migrate-state.ts';
import { untilOthersRest } from './wait-for-others.ts';

/** Copies what matches, category by category. Throws HalError `CopyStopped`. */
export async function copyMatching(
  invoker: FunctionInvoker,
  request: {
    readonly categories: readonly Category[];
    readonly filter: RowFilter;
    /** Whether it stands back while another category is being copied. */
    readonly yields: boolean;
    readonly signal?: AbortSignal;
  },
  onProgress: (counts: MatchingCounts) => void,
): Promise<MatchingCounts> {
  requireRunning(await describeState(invoker));
  await invoker.invoke('prepare-source', { action: 'install' });
  const counts = { read: 0, matched: 0, quarantined: 0, left: 0 };
  for (const category of request.categories) {
    let cursor: string | null = null;
    do {
      request.signal?.throwIfAborted();
      if (request.yields) await untilOthersRest(invoker, request);
      const event = { category, filter: request.filter, cursor };
      const answer = (await invoker.invoke('copy-matching', event)) as CopyMatchingAnswer;
      for (const name of ['read', 'matched', 'quarantined', 'left'] as const) {
        counts[name] += answer.counts[name];
      }
      onProgress(counts);
      if (answer.stopped) requireRunning(await describeState(invoker));
      ({ cursor } = answer);
    } while (cursor !== null);
  }
  return counts;
}
