import * as z from 'zod/mini';

import type { JudgeKeysDeps } from '../../lib/migration/judge-keys.ts';
import { makeCheckSessions, type SessionAnswer } from '../../lib/migration/sessions/check-sessions.ts';

export interface CheckSessionsHandlerDeps extends JudgeKeysDeps {
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

const requestSchema = z.object({ cursor: z.optional(z.nullable(z.string())) });

/** Compares who is let in before and after. Reads only. */
export function makeHandler(deps: CheckSessionsHandlerDeps): (event: unknown) => Promise<SessionAnswer> {
  const checkSessions = makeCheckSessions(deps);
  return (event) =>
    checkSessions(requestSchema.parse(event).cursor ?? null, deps.clock.nowMs() + deps.timeBudgetMs);
}
