import type { Category } from '../../lib/migration/category.ts';
import type { AccessMeasure, AccessOperation } from '../../lib/migration/benchmark/measure-access.ts';
import { summarizeAccess, type AccessSummary } from '../../lib/migration/benchmark/summarize-access.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';

export interface BenchmarkRequest {
  readonly categories: readonly Category[];
  readonly operations: readonly AccessOperation[];
  readonly samples: number;
}

/** Times the operations on both sides, one category after the other. */
export async function benchmarkState(
  invoker: FunctionInvoker,
  { categories, operations, samples }: BenchmarkRequest,
  onProgress: (category: Category) => void,
): Promise<readonly AccessSummary[]> {
  const summaries: AccessSummary[] = [];
  for (const category of categories) {
    onProgress(category);
    const { measures } = (await invoker.invoke('benchmark-state', { category, operations, samples })) as {
      measures: readonly AccessMeasure[];
    };
    summaries.push(...measures.map((measure) => summarizeAccess(category, measure)));
  }
  return summaries;
}
