import { setTimeout as delay } from 'node:timers/promises';

import { hal9Categories, hal9Definition } from '../../lib/migration/hal9-definition.ts';
import type { StateDescription } from '../../lib/migration/state-description.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
import type { VerifyAnswer } from '../../lib/migration/verify-state.ts';
import { openGateway } from '../hal9/open-gateway.ts';
import { checkHistory, type HistoryReport } from '../traffic/check-history.ts';
import { makeFinalStateReader } from '../traffic/final-state.ts';
import type { LocalCloud } from '../cloud/local-cloud.ts';
import type { DemoControl } from './demo-options.ts';

const drainPatienceMs = 60_000;
const mostPasses = 20;

/** Users have stopped: waits until what they wrote last is on both sides. False when it is not in time. */
export async function drain(control: DemoControl): Promise<boolean> {
  const deadlineMs = Date.now() + drainPatienceMs;
  while (Date.now() < deadlineMs) {
    const described = (await control.invoker.invoke('describe-state', {})) as StateDescription;
    if (described.categories.every(isQuiet)) return true;
    await delay(250);
  }
  return false;
}

/** Under hierarchical authority flat's own log does not matter: nobody reads it any more. */
function isQuiet({ authority, relay, reversePending }: StateDescription['categories'][number]): boolean {
  if (authority.state === 'following') return reversePending === 0;
  return relay.appliedThrough >= relay.lastSequence;
}

/** Compares every record on both sides, again while some are on their way. */
export async function verifyEverything(control: DemoControl): Promise<VerificationReport> {
  let report = await verifyOnce(control);
  for (let pass = 1; pass < mostPasses && report.outcome === 'pending'; pass += 1) {
    await delay(500);
    report = await verifyOnce(control);
  }
  return report;
}

async function verifyOnce({ invoker }: DemoControl): Promise<VerificationReport> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke('verify-state', {
      categories: hal9Categories,
      cursor,
    })) as VerifyAnswer;
    if (answer.done) return answer.report;
    cursor = answer.cursor;
  }
}

/** Checks what users saw and what is left of what they wrote, through a gateway that no service has used. */
export async function judgeHistory(
  cloud: LocalCloud,
  control: DemoControl,
  historyPath: string,
): Promise<HistoryReport> {
  const { tables } = control.names;
  const opened = await openGateway({
    source: { kind: 'sqlite', path: cloud.flatStore },
    tables: { state: tables.state, authority: tables.authority, reversePending: tables.reversePending },
    definition: hal9Definition,
  });
  try {
    return await checkHistory({
      historyPath,
      readFinal: makeFinalStateReader(opened.gateway, hal9Definition),
    });
  } finally {
    await opened.close();
  }
}
