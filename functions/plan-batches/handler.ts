import * as z from 'zod/mini';

import { readRunProgress, type RunProgress } from '../../lib/migration/backfill-progress.ts';
import { makePlanBackfill, type PlanBackfillDeps } from '../../lib/migration/plan-backfill.ts';

const requestSchema = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('plan'),
    runId: z.string().check(z.minLength(1)),
    recordTypes: z.optional(z.array(z.string())),
  }),
  z.object({ action: z.literal('resume'), runId: z.string().check(z.minLength(1)) }),
  z.object({ action: z.literal('progress'), runId: z.string().check(z.minLength(1)) }),
  z.object({ action: z.literal('resume-all') }),
]);

/**
 * Plans a backfill run, sends again what nobody works on, or tells how far the run is. Throws on an event of
 * another shape.
 */
export function makeHandler(
  deps: PlanBackfillDeps,
): (event: unknown) => Promise<{ readonly sentRanges: number } | RunProgress> {
  const backfill = makePlanBackfill(deps);
  return (event) => {
    const request = requestSchema.parse(event);
    if (request.action === 'progress') {
      const recordTypes = deps.definition.tables.map(({ recordType }) => recordType);
      return readRunProgress(deps.ranges, request.runId, recordTypes);
    }
    if (request.action === 'plan') return backfill.plan(request.runId, request.recordTypes);
    return backfill.resume(request.action === 'resume' ? request.runId : null);
  };
}
