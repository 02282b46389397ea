import { describe, expect, it } from 'vitest';

import { makeMemoryAuditLog } from '../../../lib/memory/audit-log.ts';
import { makeMemoryCheckpointStore } from '../../../lib/memory/checkpoint-store.ts';
import { makeMemoryRunStore } from '../../../lib/memory/run-store.ts';
import { defaultSettings } from '../../../lib/migration/settings.ts';
import type { StateDescription } from '../../../lib/migration/state-description.ts';
import type { Checkpoint } from '../../../lib/orchestrator/checkpoint.ts';
import {
  completeStatePhase,
  completionEvidence,
  requireCompletable,
} from '../../../lib/orchestrator/operations/complete-phase.ts';
import { planAll } from '../../../lib/orchestrator/plan.ts';
import { profiles } from '../../../lib/orchestrator/profiles.ts';
import type { RunRecord } from '../../../lib/orchestrator/run.ts';

const { steps } = planAll(profiles.guide);
const stateStep = steps.findIndex(({ phase }) => phase === 'state-migration');

const aRun: RunRecord = {
  runId: 'run-1',
  revision: 1,
  routingEpoch: 3,
  planHash: 'abc',
  profile: 'guide',
  steps,
  stepIndex: 0,
  phase: 'canary',
  status: 'completed',
  startedBy: 'ann',
  startedAtMs: 1,
  endedAtMs: 2,
  stepEnteredAtMs: null,
  waitedSeconds: 0,
  decision: null,
  judged: [],
  statePhase: null,
  attempts: [],
  rollbacks: [],
  reason: null,
  executionCount: 1,
};

async function aControlPlane(run: RunRecord | null) {
  const runs = makeMemoryRunStore();
  if (run !== null) await runs.start(run, null);
  const checkpoints = makeMemoryCheckpointStore();
  const audit = makeMemoryAuditLog();
  return { runs, checkpoints, audit, clock: { nowMs: () => 9_000 } };
}

function aDescription(state: 'open' | 'following'): StateDescription {
  const moved = { openedAtMs: 5_000, stage: 'done' };
  const category = {
    category: 'metadata',
    authority: { epoch: 2, state },
    switch: state === 'following' ? moved : null,
    backfill: { plannedRanges: 1, completeRanges: 1, complete: true },
  };
  const description = { changeLogInstalled: true, categories: [category], settings: defaultSettings };
  return description as unknown as StateDescription;
}

const aCheckpoint = (createdAtMs: number, hashes: readonly [] = []): Checkpoint =>
  ({ checkpointId: `c-${createdAtMs}`, createdAtMs, hashes }) as unknown as Checkpoint;

const resultsOf = async (run: RunRecord | null, state: 'open' | 'following', made: readonly Checkpoint[]) => {
  const control = await aControlPlane(run);
  for (const checkpoint of made) await control.checkpoints.put(checkpoint);
  const checks = await completionEvidence(control, aDescription(state));
  return Object.fromEntries(checks.map(({ name, result }) => [name, result]));
};

const { hashes: _hashes, ...withoutHashes } = aCheckpoint(6_000);

describe('the evidence that the state phase is over', () => {
  it('is whole with every category hierarchical-only and a checkpoint made since', async () => {
    expect(await resultsOf(aRun, 'following', [aCheckpoint(6_000)])).toEqual({
      'no-run': 'pass',
      authority: 'pass',
      checkpoint: 'pass',
    });
  });

  it('lacks the authority while flat takes writes', async () => {
    expect(await resultsOf(null, 'open', [aCheckpoint(6_000)])).toMatchObject({ authority: 'fail' });
  });

  it.each([
    ['older than the last switch', [aCheckpoint(4_000)]],
    ['without hashes', [withoutHashes]],
    ['not there', []],
  ])('lacks a checkpoint that is %s', async (_why, made) => {
    expect(await resultsOf(null, 'following', made)).toMatchObject({ checkpoint: 'fail' });
  });

  it('is not looked for under a run at work', async () => {
    const working = { ...aRun, status: 'baking' as const };

    expect(await resultsOf(working, 'following', [aCheckpoint(6_000)])).toMatchObject({ 'no-run': 'fail' });
  });
});

describe('completing the state phase by hand', () => {
  const request = {
    by: 'ann',
    checks: [{ name: 'authority', result: 'pass', detail: 'all', remedy: null }],
  } as const;

  it('moves a run on that stood before it, so that ramp-up may follow, and is in the audit log', async () => {
    const control = await aControlPlane(aRun);

    const completion = await completeStatePhase(control, request);

    expect(completion).toEqual({ phaseMoved: true, phase: 'state-migration' });
    expect(await control.runs.current()).toMatchObject({ phase: 'state-migration', status: 'completed' });
    expect(await control.audit.list(0, 10)).toMatchObject([
      { action: 'complete-phase', principal: 'operator:ann', facts: { evidence: [{ name: 'authority' }] } },
    ]);
  });

  it('lets a plan that was held in it go on with the next step', async () => {
    const held = {
      ...aRun,
      status: 'held' as const,
      stepIndex: stateStep,
      phase: 'state-migration' as const,
    };
    const control = await aControlPlane(held);

    await completeStatePhase(control, request);

    expect(await control.runs.current()).toMatchObject({
      status: 'held',
      decision: { stepIndex: stateStep, verdict: 'advance' },
    });
  });

  it('leaves the traffic where it is when no run waits for it', async () => {
    const shadow = { ...aRun, phase: 'shadow' as const };

    expect(await completeStatePhase(await aControlPlane(null), request)).toMatchObject({ phaseMoved: false });
    expect(await completeStatePhase(await aControlPlane(shadow), request)).toEqual({
      phaseMoved: false,
      phase: 'shadow',
    });
  });

  it('is refused for phases that their gates complete', () => {
    expect(() => requireCompletable('canary')).toThrow(expect.objectContaining({ name: 'PhaseNotByHand' }));
    expect(() => requireCompletable('sideways')).toThrow(expect.objectContaining({ name: 'UnknownPhase' }));
    expect(() => requireCompletable('state')).not.toThrow();
  });
});
