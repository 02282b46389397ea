import type { SessionAnswer, SessionReport } from '../../lib/migration/sessions/check-sessions.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import type { Check } from '../../lib/orchestrator/operations/pre-check.ts';
import { count } from '../output/quantities.ts';
import { fail, pass } from './validation-checks.ts';

/** Sessions on their way are looked at again this often. */
const mostPasses = 5;

/** Every session on both sides: who is let in, and until when. */
export async function checkSessions(
  invoker: FunctionInvoker,
  onProgress: (text: string) => void,
): Promise<SessionReport> {
  for (let pass = 1; ; pass += 1) {
    const report = await checkOnce(invoker, onProgress);
    if (report.pending === 0 || pass === mostPasses) return report;
  }
}

async function checkOnce(
  invoker: FunctionInvoker,
  onProgress: (text: string) => void,
): Promise<SessionReport> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke('check-sessions', { cursor })) as SessionAnswer;
    onProgress(`looking at  ${count(answer.report.live + answer.report.over)} sessions`);
    if (answer.done) return answer.report;
    ({ cursor } = answer);
  }
}

export function sessionCheck(report: SessionReport): Check {
  const { live, over, pending, quarantined, counts, findings } = report;
  const detail = `${count(live)} are live on both sides until the same instant, ${count(over)} are over on both, ${count(quarantined)} in quarantine`;
  const faults = Object.entries(counts).map(([fault, found]) => `${count(found)} ${fault}`);
  const [first] = findings;
  if (first !== undefined) {
    const named = `${faults.join(', ')}, ${first.pk} among them`;
    return fail('sessions', `${named}; ${detail}`, 'hal9-migrate reconcile --full');
  }
  if (pending > 0) return fail('sessions', `${count(pending)} are on their way; ${detail}`, 'repeat it');
  return live + over + quarantined === 0
    ? { name: 'sessions', result: 'warn', detail: 'there is no session to look at', remedy: null }
    : pass('sessions', detail);
}
