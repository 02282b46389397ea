import * as z from 'zod/mini';

import type { AuditLog } from '../../lib/audit/ports.ts';
import {
  makeSweepBodies,
  type SweepAnswer,
  type SweepBodiesDeps,
} from '../../lib/migration/bodies/sweep-bodies.ts';

export interface SweepBodiesHandlerDeps extends Omit<SweepBodiesDeps, 'onDelete'> {
  readonly audit: AuditLog;
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

const requestSchema = z.object({
  requestedBy: z.string(),
  dryRun: z.boolean(),
  cursor: z.optional(z.nullable(z.string())),
});

/** Deletes large bodies that nobody names any more; what it deletes is audited before. */
export function makeHandler(deps: SweepBodiesHandlerDeps): (event: unknown) => Promise<SweepAnswer> {
  const { audit, clock } = deps;
  return async (event) => {
    const { requestedBy: principal, dryRun, cursor = null } = requestSchema.parse(event);
    const record = async (facts: Readonly<Record<string, unknown>>): Promise<void> => {
      await audit.append({ atMs: clock.nowMs(), principal, action: 'sweep-bodies', facts });
    };
    const sweep = makeSweepBodies({ ...deps, onDelete: (names) => record({ deletes: names }) });
    const answer = await sweep({ dryRun, cursor }, clock.nowMs() + deps.timeBudgetMs);
    if (answer.done && !dryRun) await record({ done: answer.report });
    return answer;
  };
}
