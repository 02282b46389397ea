import { setTimeout as sleep } from 'node:timers/promises';

import type { Category } from '../../lib/migration/category.ts';
import type { AccessSummary } from '../../lib/migration/benchmark/summarize-access.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import type { Check } from '../../lib/orchestrator/operations/pre-check.ts';
import { count } from '../output/quantities.ts';
import { benchmarkState } from './benchmark-state.ts';
import { fail, pass } from './validation-checks.ts';

/** Records of each type that are read by key. */
const samples = 25;

/** A record that was created a moment ago may still be on its way. */
const mostTries = 8;
const betweenTriesMs = 500;

/** Live records are read by key on the hierarchical side, as a user's next request would. */
export async function readSamples(
  invoker: FunctionInvoker,
  categories: readonly Category[],
): Promise<readonly AccessSummary[]> {
  for (let tries = 1; ; tries += 1) {
    const measured = await benchmarkState(
      invoker,
      { categories, operations: ['read'], samples },
      () => undefined,
    );
    const found = measured.filter(({ system }) => system === 'hierarchical');
    if (tries === mostTries || found.every(isWhole)) return found;
    await sleep(betweenTriesMs);
  }
}

function isWhole({ count: read, skipped }: AccessSummary): boolean {
  return read === 0 || skipped === null;
}

export function continuityCheck(found: readonly AccessSummary[]): Check {
  const read = found.reduce((sum, summary) => sum + summary.count, 0);
  const broken = found.filter((summary) => !isWhole(summary));
  const detail = `${count(read)} live records were read by key on the hierarchical side`;
  const [first] = broken;
  if (first !== undefined) {
    return fail('continuity', `${detail}; ${first.category}: ${first.skipped}`, 'hal9-migrate state verify');
  }
  return read === 0
    ? fail('continuity', 'there was no live record to read', 'hal9-migrate state migrate')
    : pass('continuity', detail);
}

export function performanceCheck(found: readonly AccessSummary[], limitMs: number): Check {
  const slowest = found
    .filter(({ p95Ms }) => p95Ms !== null)
    .toSorted((left, right) => (right.p95Ms ?? 0) - (left.p95Ms ?? 0))[0];
  if (slowest === undefined || slowest.p95Ms === null) {
    return fail('performance', 'there was no live record to read', 'hal9-migrate state migrate');
  }
  const detail = `19 of 20 reads took at most ${slowest.p95Ms.toFixed(1)} ms (${slowest.category}), and ${limitMs} ms is the limit`;
  return slowest.p95Ms <= limitMs
    ? pass('performance', detail)
    : fail('performance', detail, 'hal9-migrate benchmark measures more; --latency-limit sets the limit');
}
