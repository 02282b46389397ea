import type { Category } from './category.ts';
import { closeLogGaps } from './log-gaps.ts';
import type { DigestStore } from './ports.ts';
import type { MigratedTable } from './table-lookup.ts';
import { makeTally } from './verification-tally.ts';
import { openCursor, retireDigests, sealCursor, type OpenVerification } from './verification-cursor.ts';
import { lookAt, type VerificationDeps } from './verification-passes.ts';
import { concludeReport, type VerificationReport } from './verification-report.ts';

export interface VerifyStateDeps extends VerificationDeps {
  readonly digests: DigestStore;
}

export interface VerifyRequest {
  readonly categories: readonly Category[];
  /** From the answer before; null begins a new verification. */
  readonly cursor: string | null;
}

export interface VerifyAnswer {
  readonly done: boolean;
  readonly cursor: string | null;
  /** Complete only when `done`. */
  readonly report: VerificationReport;
}

/**
 * Compares both sides completely. First every row and every record is folded into digests, once each; where the
 * digests differ, and for keys that changed meanwhile, keys are judged one by one. Last it tidies quarantine entries
 * whose record got over its fault. Works until `deadlineMs` and continues from the cursor, which carries the counts
 * and names the digests. Throws HalError `VerificationExpired` when these are gone.
 */
export function makeVerifyState(
  deps: VerifyStateDeps,
): (request: VerifyRequest, deadlineMs: number) => Promise<VerifyAnswer> {
  return async (request, deadlineMs) => {
    const tables = deps.definition.tables.filter(({ category }) => request.categories.includes(category));
    const opened = await openCursor(deps.digests, request.cursor, deps.clock.nowMs());
    const verified = await verifySome(deps, tables, opened.verification, deadlineMs);
    if (verified.position === null) {
      await retireDigests(deps.digests, opened.names);
      const report = concludeReport(verified.report, deps.clock.nowMs());
      await closeLogGaps(deps.source, report);
      return { done: true, cursor: null, report };
    }
    const cursor = await sealCursor(deps.digests, verified, opened.names);
    return { done: false, cursor, report: verified.report };
  };
}

/** Pages in order until the deadline or the end; the report has all of them. */
async function verifySome(
  deps: VerificationDeps,
  tables: readonly MigratedTable[],
  begun: OpenVerification,
  deadlineMs: number,
): Promise<OpenVerification> {
  let { position, fold } = begun;
  const tally = makeTally(begun.report);
  while (position !== null) {
    // The tidying looks at what the judging left: it comes after all of it.
    if (position.pass === 'quarantine') await tally.finish();
    const look = await lookAt(deps, tables, { position, fold, deadlineMs });
    ({ position, fold } = look);
    await tally.add(look.judged);
    if (deps.clock.nowMs() >= deadlineMs) break;
  }
  return { position, fold, report: await tally.finish() };
}
