import { describe, expect, it } from 'vitest';

import { makeMemoryAlarmReader } from '../../../lib/memory/alarm-reader.ts';
import { makeMemoryAuditLog } from '../../../lib/memory/audit-log.ts';
import { makeMemoryCheckpointStore } from '../../../lib/memory/checkpoint-store.ts';
import { makeMemoryFunctionInvoker } from '../../../lib/memory/function-invoker.ts';
import { defaultSettings } from '../../../lib/migration/settings.ts';
import { reportStatePhase } from '../../../lib/orchestrator/operations/report-phase.ts';

const counts = { read: 12, written: 12, kept: 0, quarantined: 0 };

function aCategory(state: 'open' | 'following', openedAtMs: number | null, quarantined = 0) {
  return {
    category: 'metadata',
    authority: { epoch: 2, state },
    switch: openedAtMs === null ? null : { openedAtMs, stage: 'done', stallMs: 120 },
    rows: 12,
    backfill: { plannedRanges: 1, completeRanges: 1, complete: true, counts },
    relay: { appliedThrough: 0, lastSequence: 0, openBatches: 0 },
    reversePending: 0,
    quarantined,
  };
}

/** A control plane whose state is `category`, and whose audit log has these actions, each a second later. */
async function report(
  category: ReturnType<typeof aCategory> | null,
  actions: readonly (readonly [action: string, facts?: Record<string, unknown>])[],
) {
  const audit = makeMemoryAuditLog();
  for (const [at, [action, facts = {}]] of actions.entries()) {
    await audit.append({ atMs: (at + 1) * 1_000, principal: 'operator:ann', action, facts });
  }
  const description = {
    changeLogInstalled: category !== null,
    heldLog: null,
    logGaps: [],
    categories: category === null ? [] : [category],
    settings: defaultSettings,
    workers: { active: [], throttlings: [] },
    forecast: null,
  };
  return await reportStatePhase({
    invoker: makeMemoryFunctionInvoker({ 'describe-state': async () => description }),
    checkpoints: makeMemoryCheckpointStore(),
    audit,
    alarms: makeMemoryAlarmReader('state-drift'),
    clock: { nowMs: () => 60_000 },
  });
}

const completed = [
  'complete-phase',
  { phase: 'state-migration', evidence: [{ name: 'a', detail: 'b' }] },
] as const;

describe('the report of the state phase', () => {
  it('begins with the migration mode and ends with the mark that the phase is complete', async () => {
    const made = await report(aCategory('following', 1_500), [['enable-migration-mode'], completed]);

    expect(made).toMatchObject({
      outcome: 'complete',
      startedAtMs: 1_000,
      endedAtMs: 2_000,
      evidence: [{ name: 'a', detail: 'b' }],
      categories: [{ category: 'metadata', writeMode: 'hierarchical-only', counts, stallMs: 120 }],
      auditChain: { kind: 'sound', length: 2 },
    });
  });

  it.each([
    ['authority moved once more after the mark', aCategory('following', 9_000), 'switched'],
    ['flat has the authority again', aCategory('open', 9_000), 'copied'],
    ['nothing is there', null, 'not-begun'],
  ])('does not call it complete when %s', async (_when, category, outcome) => {
    const made = await report(category, [['enable-migration-mode'], completed]);

    expect(made).toMatchObject({ outcome, endedAtMs: null, evidence: [] });
  });

  it('tells what did not go by itself, and what became of it', async () => {
    const made = await report(aCategory('open', null, 3), [
      ['enable-migration-mode'],
      ['stop-copy', { reason: 'flat is slow' }],
      ['resume-copy', { reason: '' }],
      [
        'reconcile-state',
        { written: 2, keptNewer: 0, keys: ['mismatch metadata x/1', 'missing metadata x/2'] },
      ],
      ['move-authority', { category: 'metadata', to: 'hierarchical' }],
      ['move-authority', { category: 'metadata', to: 'flat' }],
      ['stop-copy', { reason: 'and again' }],
    ]);

    expect(made.issues.map(({ open, what }) => [open, what])).toEqual([
      [true, '3 records of metadata are in quarantine'],
      [false, 'operator:ann stopped the copy: flat is slow'],
      [false, '2 records differed between both sides'],
      [false, 'the authority over metadata went back to flat'],
    ]);
  });
});
