import * as z from 'zod/mini';

import { makePlanBackfill, type PlanBackfillDeps } from '../../lib/migration/plan-backfill.ts';

const requestSchema = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('plan'),
    runId: z.string().check(z.minLength(1)),
    recordTypes: z.optional(z.array(z.string())),
  }),
  z.object({ action: z.literal('resume'), runId: z.string().check(z.minLength(1)) }),
  z.object({ action: z.literal('resume-all') }),
]);

/** Plans a backfill run, or sends again what nobody works on. Throws on an event of another shape. */
export function makeHandler(
  deps: PlanBackfillDeps,
): (event: unknown) => Promise<{ readonly sentRanges: number }> {
  const backfill = makePlanBackfill(deps);
  return (event) => {
    const request = requestSchema.parse(event);
    if (request.action === 'plan') return backfill.plan(request.runId, request.recordTypes);
    return backfill.resume(request.action === 'resume' ? request.runId : null);
  };
}
