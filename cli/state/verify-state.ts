import type { Category } from '../../lib/migration/category.ts';
import { totalOf, type VerificationReport } from '../../lib/migration/verification-report.ts';
import type { VerifyAnswer } from '../../lib/migration/verify-state.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';

/** Verification repeats this often while records are still on their way. */
const mostPasses = 5;

/** Compares both sides completely, as often as it takes for records in flight to arrive (within limits). */
export async function verifyState(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  onProgress: (report: VerificationReport) => void,
): Promise<VerificationReport> {
  let report = await verifyOnce(invoker, categories, onProgress);
  for (let pass = 1; pass < mostPasses && report.outcome === 'pending'; pass += 1) {
    report = await verifyOnce(invoker, categories, onProgress);
  }
  return report;
}

async function verifyOnce(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  onProgress: (report: VerificationReport) => void,
): Promise<VerificationReport> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke('verify-state', { categories, cursor })) as VerifyAnswer;
    onProgress(answer.report);
    if (answer.done) return answer.report;
    cursor = answer.cursor;
  }
}

/** Share of the records that are not equal on both sides; the definition of drift. */
export function driftOf(report: VerificationReport): number {
  const { total, mismatches, missing, extra } = totalOf(report);
  return total === 0 ? 0 : (mismatches + missing + extra) / total;
}
