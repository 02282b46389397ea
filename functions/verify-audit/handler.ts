import * as z from 'zod/mini';

import { makeSealAudit, type SealAnswer } from '../../lib/migration/audit-chain/seal-audit.ts';
import {
  makeVerifyAudit,
  type AuditAnswer,
  type VerifyAuditDeps,
} from '../../lib/migration/audit-chain/verify-audit.ts';

export interface VerifyAuditHandlerDeps extends VerifyAuditDeps {
  /** One invocation works for this long, then is called again. */
  readonly timeBudgetMs: number;
}

const requestSchema = z.discriminatedUnion('action', [
  z.object({ action: z.literal('verify'), cursor: z.optional(z.nullable(z.string())) }),
  z.object({ action: z.literal('seal'), requestedBy: z.string(), dryRun: z.optional(z.boolean()) }),
]);

/** Walks along the audit streams of both sides, or seals what they agree about. */
export function makeHandler(
  deps: VerifyAuditHandlerDeps,
): (event: unknown) => Promise<AuditAnswer | SealAnswer> {
  const verify = makeVerifyAudit(deps);
  const seal = makeSealAudit(deps);
  return async (event) => {
    const request = requestSchema.parse(event);
    const deadlineMs = deps.clock.nowMs() + deps.timeBudgetMs;
    return request.action === 'verify'
      ? await verify(request.cursor ?? null, deadlineMs)
      : await seal({ by: request.requestedBy, dryRun: request.dryRun ?? false }, deadlineMs);
  };
}
