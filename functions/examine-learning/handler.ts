import * as z from 'zod/mini';

import {
  makeCompareLearning,
  type CompareLearningDeps,
  type LearningAnswer,
} from '../../lib/migration/learning/compare-learning.ts';
import { learningKinds } from '../../lib/migration/learning/recall.ts';

export interface ExamineLearningDeps extends CompareLearningDeps {
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

const requestSchema = z.object({
  kind: z.enum(learningKinds),
  samples: z.int().check(z.minimum(1), z.maximum(10_000)),
  cursor: z.optional(z.nullable(z.string())),
});

/** Asks both systems about sampled patterns or gradients. Reads only. */
export function makeHandler(deps: ExamineLearningDeps): (event: unknown) => Promise<LearningAnswer> {
  const compare = makeCompareLearning(deps);
  return (event) => {
    const request = requestSchema.parse(event);
    return compare(request, request.cursor ?? null, deps.clock.nowMs() + deps.timeBudgetMs);
  };
}
