import * as z from 'zod/mini';

import {
  makeCheckIntegrity,
  type CheckIntegrityDeps,
  type IntegrityAnswer,
} from '../../lib/migration/integrity/check-integrity.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';

export interface CheckIntegrityHandlerDeps extends CheckIntegrityDeps {
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

/** Looks for what a comparison of both sides cannot see. Reads only. */
export function makeHandler(deps: CheckIntegrityHandlerDeps): (event: unknown) => Promise<IntegrityAnswer> {
  const known = categoriesOf(deps.definition);
  const requestSchema = z.object({
    categories: z.optional(z.array(z.enum(known))),
    cursor: z.optional(z.nullable(z.string())),
  });
  const checkIntegrity = makeCheckIntegrity(deps);
  return (event) => {
    const { categories = known, cursor = null } = requestSchema.parse(event);
    return checkIntegrity(categories, cursor, deps.clock.nowMs() + deps.timeBudgetMs);
  };
}
