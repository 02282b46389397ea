import type { VerificationReport } from './verification-report.ts';

export type ReportChange = (report: VerificationReport) => VerificationReport;

/** What one page adds to the report: at once, and after a second look at what differed. */
export interface PageResult {
  readonly atOnce: ReportChange;
  readonly later: (() => Promise<ReportChange>) | null;
}

export const nothingFound: Promise<PageResult> = Promise.resolve({
  atOnce: (report: VerificationReport) => report,
  later: null,
});

export function inTurn(changes: readonly ReportChange[]): ReportChange {
  return (report) => changes.reduce((next, change) => change(next), report);
}

/** Pages under way at once: enough to hide the reading of one behind the comparing of another. */
const pagesAtATime = 3;
/** Pages of which some keys wait for changes on their way; only those keys are held. */
const waitingPages = 20;

export interface Tally {
  add(page: Promise<PageResult>): Promise<void>;
  finish(): Promise<VerificationReport>;
}

/** Collects the results of pages that are judged side by side; no more than a few are ever under way. */
export function makeTally(begun: VerificationReport): Tally {
  const judging: Promise<PageResult>[] = [];
  const waiting: Promise<ReportChange>[] = [];
  let report = begun;

  const settle = async (mostJudging: number, mostWaiting: number): Promise<void> => {
    while (judging.length > mostJudging) {
      const page = await judging.shift();
      if (page === undefined) break;
      report = page.atOnce(report);
      if (page.later !== null) waiting.push(met(page.later()));
    }
    while (waiting.length > mostWaiting) {
      const change = await waiting.shift();
      if (change !== undefined) report = change(report);
    }
  };
  return {
    async add(page) {
      judging.push(met(page));
      await settle(pagesAtATime - 1, waitingPages);
    },
    async finish() {
      await settle(0, 0);
      return report;
    },
  };
}

/** One that fails is met when its turn comes; until then it must not count as unhandled. */
function met<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined);
  return promise;
}
