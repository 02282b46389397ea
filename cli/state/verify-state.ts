import type { Category } from '../../lib/migration/category.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
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
