import type { AccessComparison, AccessSummary } from '../../lib/migration/benchmark/summarize-access.ts';
import { count } from './quantities.ts';
import { renderTable } from './table.ts';

const milliseconds = (value: number | null): string => (value === null ? '-' : value.toFixed(2));

export function accessTable(summaries: readonly AccessSummary[]): string {
  return renderTable(summaries, [
    { title: 'CATEGORY', value: ({ category }) => category },
    { title: 'OPERATION', value: ({ operation }) => operation },
    { title: 'SYSTEM', value: ({ system }) => system },
    { title: 'N', align: 'right', value: (summary) => count(summary.count) },
    { title: 'P50 MS', align: 'right', value: ({ p50Ms }) => milliseconds(p50Ms) },
    { title: 'P99 MS', align: 'right', value: ({ p99Ms }) => milliseconds(p99Ms) },
    { title: '/S', align: 'right', value: ({ perSecond }) => (perSecond === null ? '-' : count(perSecond)) },
  ]);
}

/** `write: hierarchical takes 1.8x the time of flat (median of 5 categories)`. */
export function comparisonLines(comparisons: readonly AccessComparison[]): readonly string[] {
  return [...Map.groupBy(comparisons, ({ operation }) => operation)].map(([operation, all]) => {
    const ratios = all
      .flatMap(({ ratio }) => (ratio === null ? [] : [ratio]))
      .toSorted((left, right) => left - right);
    const median = ratios[ratios.length >> 1];
    if (median === undefined) return `${operation}: not comparable, one side was not measured`;
    const verdict = median <= 1 ? 'as fast as flat or faster' : 'slower than flat';
    return `${operation}: hierarchical is ${verdict}, ${median.toFixed(2)}x the time (median of ${ratios.length} categories)`;
  });
}

export function skippedLines(summaries: readonly AccessSummary[]): readonly string[] {
  const reasons = new Set(
    summaries.flatMap(({ skipped, system, operation }) =>
      skipped === null ? [] : [`not every ${operation} of ${system} was measured: ${skipped}`],
    ),
  );
  return [...reasons];
}
