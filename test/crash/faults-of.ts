import { isDeepStrictEqual } from 'node:util';

import type { CrashReport } from './crash-run.ts';

/** What a run with kills did that one without would not have done. */
export function faultsOf(killed: CrashReport, undisturbed: CrashReport, kills: number): readonly string[] {
  const [left, right] = [killed.outcome, undisturbed.outcome];
  const all = Object.values(killed.crew.kills).reduce((sum, count) => sum + count, 0);
  return [
    ...(right.verification === 'verified' ? [] : [`the undisturbed run ended ${right.verification}`]),
    ...(left.verification === 'verified' ? [] : [`the run with kills ended ${left.verification}`]),
    ...(isDeepStrictEqual(left.totals, right.totals) ? [] : ['the totals differ']),
    ...(left.content === right.content ? [] : ['the content differs']),
    ...(killed.crew.mostRepeated <= 1
      ? []
      : [`${killed.crew.mostRepeated} batches of one worker were repeated`]),
    ...(all === kills ? [] : [`${all} workers were killed instead of ${kills}`]),
    ...killed.crew.failures.map((failure) => `a worker failed: ${failure}`),
  ];
}
