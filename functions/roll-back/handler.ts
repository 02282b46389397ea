import { parseRollbackRequest } from '../../lib/rollback/request.ts';
import { makeRollBack, type RollbackAnswer, type RollBackDeps } from '../../lib/rollback/roll-back.ts';
import {
  verifyRollback,
  type RollbackVerification,
  type VerifyRollbackDeps,
} from '../../lib/rollback/verify-rollback.ts';

export interface RollBackHandlerDeps extends RollBackDeps, VerifyRollbackDeps {}

export type RollBackHandlerAnswer =
  | (RollbackAnswer & { readonly verification: RollbackVerification | null })
  | { readonly kind: 'ignored'; readonly why: string };

/** Takes traffic and state back for an alarm, the workflow or an operator, then looks whether users are on flat. */
export function makeHandler(deps: RollBackHandlerDeps): (event: unknown) => Promise<RollBackHandlerAnswer> {
  const rollBack = makeRollBack(deps);
  return async (event) => {
    const parsed = parseRollbackRequest(event, deps.clock.nowMs());
    if (parsed.kind === 'ignored') return parsed;
    const answer = await rollBack(parsed.request);
    const writtenAtMs = answer.kind === 'rolled-back' ? answer.record.trafficWrittenAtMs : null;
    const isToFlat = parsed.request.trafficThousandths === 0;
    const verification = writtenAtMs === null || !isToFlat ? null : await verifyRollback(deps, writtenAtMs);
    return { ...answer, verification };
  };
}
