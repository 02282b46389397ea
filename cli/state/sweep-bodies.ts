import type { SweepAnswer } from '../../lib/migration/bodies/sweep-bodies.ts';
import type { SweepReport } from '../../lib/migration/bodies/sweep-position.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';

/** Sweeps over as many calls as that takes. Throws HalError `StateTableEmpty`. */
export async function sweepBodies(
  invoker: FunctionInvoker,
  request: { readonly requestedBy: string; readonly dryRun: boolean },
  onProgress: (report: SweepReport) => void,
): Promise<SweepReport> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke('sweep-bodies', { ...request, cursor })) as SweepAnswer;
    onProgress(answer.report);
    if (answer.done) return answer.report;
    ({ cursor } = answer);
  }
}
