import * as z from 'zod/mini';

import {
  makeCheckIntegrity,
  type CheckIntegrityDeps,
  type IntegrityAnswer,
} from '../../lib/migration/integrity/check-integrity.ts';

export interface CheckIntegrityHandlerDeps extends CheckIntegrityDeps {
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

const requestSchema = z.object({ cursor: z.optional(z.nullable(z.string())) });

/** Looks for what a comparison of both sides cannot see. Reads only. */
export function makeHandler(deps: CheckIntegrityHandlerDeps): (event: unknown) => Promise<IntegrityAnswer> {
  const checkIntegrity = makeCheckIntegrity(deps);
  return (event) =>
    checkIntegrity(requestSchema.parse(event).cursor ?? null, deps.clock.nowMs() + deps.timeBudgetMs);
}
