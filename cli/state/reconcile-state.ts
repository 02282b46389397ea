import type { Category } from '../../lib/migration/category.ts';
import type { Fixes, ReconcileAnswer } from '../../lib/migration/reconcile-state.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';

/** A comparison names 50 differences; more of them take more rounds. */
const mostRounds = 100;

export interface Reconciliation {
  /** The last comparison. */
  readonly report: VerificationReport;
  /** Over all rounds. */
  readonly fixes: Fixes;
  readonly rounds: number;
}

/** Compares both sides and repairs what differs, until a comparison finds nothing more to repair. */
export async function reconcileState(
  invoker: FunctionInvoker,
  request: {
    readonly categories: readonly Category[];
    readonly fix: boolean;
    /** False: by kept digests, where there are any; every record when absent. */
    readonly full?: boolean;
    readonly requestedBy: string;
  },
  onProgress: (report: VerificationReport) => void,
): Promise<Reconciliation> {
  const fixes = { written: 0, keptNewer: 0, changed: 0, refused: 0 };
  for (let rounds = 1; ; rounds += 1) {
    const answer = await reconcileOnce(invoker, request, onProgress);
    const { report } = answer;
    for (const name of ['written', 'keptNewer', 'changed', 'refused'] as const) {
      fixes[name] += answer.fixes?.[name] ?? 0;
    }
    const isWorthRepeating =
      (answer.fixes?.written ?? 0) > 0 || (request.fix && report.outcome === 'pending');
    if (!isWorthRepeating || rounds === mostRounds) return { report, fixes, rounds };
  }
}

async function reconcileOnce(
  invoker: FunctionInvoker,
  request: object,
  onProgress: (report: VerificationReport) => void,
): Promise<ReconcileAnswer> {
  let cursor: string | null = null;
  for (;;) {
    const payload = { action: 'run', ...request, cursor };
    const answer = (await invoker.invoke('reconcile-state', payload)) as ReconcileAnswer;
    onProgress(answer.report);
    if (answer.done) return answer;
    cursor = answer.cursor;
  }
}
