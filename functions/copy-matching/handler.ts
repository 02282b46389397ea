import * as z from 'zod/mini';

import {
  makeCopyMatching,
  type CopyMatchingAnswer,
  type CopyMatchingDeps,
} from '../../lib/migration/copy-matching.ts';

export interface CopyMatchingHandlerDeps extends CopyMatchingDeps {
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

const requestSchema = z.object({
  category: z.string(),
  filter: z.object({ name: z.string(), values: z.array(z.string()) }),
  cursor: z.nullable(z.string()),
});

/** Copies the rows that match a filter ahead of the ranges. */
export function makeHandler(deps: CopyMatchingHandlerDeps): (event: unknown) => Promise<CopyMatchingAnswer> {
  const copyMatching = makeCopyMatching(deps);
  return (event) => copyMatching(requestSchema.parse(event), deps.clock.nowMs() + deps.timeBudgetMs);
}
