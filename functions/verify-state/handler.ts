import * as z from 'zod/mini';

import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import {
  makeVerifyState,
  type VerifyAnswer,
  type VerifyStateDeps,
} from '../../lib/migration/verify-state.ts';

export interface VerifyStateHandlerDeps extends VerifyStateDeps {
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

/** Compares both sides completely, over as many invocations as that takes. */
export function makeHandler(deps: VerifyStateHandlerDeps): (event: unknown) => Promise<VerifyAnswer> {
  const known = categoriesOf(deps.definition);
  const requestSchema = z.object({
    categories: z.optional(z.array(z.enum(known))),
    cursor: z.optional(z.nullable(z.string())),
  });
  const verifyState = makeVerifyState(deps);
  return (event) => {
    const request = requestSchema.parse(event);
    return verifyState(
      { categories: request.categories ?? known, cursor: request.cursor ?? null },
      deps.clock.nowMs() + deps.timeBudgetMs,
    );
  };
}
