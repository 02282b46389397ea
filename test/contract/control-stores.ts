import { beforeEach, describe, expect, test } from 'vitest';

import type { AuditLog } from '../../lib/audit/ports.ts';
import { verifyChain } from '../../lib/audit/record.ts';
import { sealCheckpoint } from '../../lib/orchestrator/checkpoint.ts';
import { planAll } from '../../lib/orchestrator/plan.ts';
import type { CheckpointStore, Lock, RunStore } from '../../lib/orchestrator/ports.ts';
import { profiles } from '../../lib/orchestrator/profiles.ts';
import type { RunRecord } from '../../lib/orchestrator/run.ts';

export interface ControlStores {
  readonly runs: RunStore;
  readonly audit: AuditLog;
  readonly checkpoints: CheckpointStore;
  readonly lock: Lock;
  /** Moves the lock's clock. */
  advance(durationMs: number): void;
}

/** What every adapter of the control plane's stores promises. */
export function controlStoresContract(name: string, make: () => Promise<ControlStores>): void {
  describe(`control stores: ${name}`, () => {
    let stores: ControlStores;
    beforeEach(async () => {
      stores = await make();
    });

    test('of many runs started at once one becomes the current one', async () => {
      const starts = await Promise.all(
        ['a', 'b', 'c'].map((runId) => stores.runs.start(aRun({ runId }), null)),
      );

      expect(starts.filter(Boolean)).toHaveLength(1);
      expect(await stores.runs.current()).toMatchObject({ status: 'running', revision: 1 });
    });

    test('an active run is not replaced, an ended one is', async () => {
      const first = aRun({ runId: 'first' });
      await stores.runs.start(first, null);

      expect(await stores.runs.start(aRun({ runId: 'second' }), first)).toBe(false);

      const ended = await stores.runs.update(first, { ...first, status: 'completed' });
      expect(await stores.runs.start(aRun({ runId: 'second' }), ended)).toBe(true);
      expect(await stores.runs.current()).toMatchObject({ runId: 'second' });
    });

    test('of two updates of one revision the second is refused', async () => {
      const run = aRun();
      await stores.runs.start(run, null);

      const first = await stores.runs.update(run, { ...run, status: 'baking' });
      const second = await stores.runs.update(run, { ...run, status: 'held' });

      expect(first).toMatchObject({ status: 'baking', revision: 2 });
      expect(second).toBeNull();
      expect(await stores.runs.current()).toEqual(first);
    });

    test('an update of an older epoch is refused, whatever revision it guesses', async () => {
      const run = aRun();
      await stores.runs.start(run, null);
      const raised = await stores.runs.update(run, { ...run, routingEpoch: 8, status: 'rolling-back' });

      const late = await stores.runs.update(
        { ...run, revision: raised!.revision },
        { ...run, status: 'baking' },
      );

      expect(late).toBeNull();
      expect(await stores.runs.current()).toMatchObject({ status: 'rolling-back', routingEpoch: 8 });
    });

    test('audit records of many writers form one chain without a gap', async () => {
      await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          stores.audit.append({ atMs: index, principal: 'workflow', action: 'test', facts: { index } }),
        ),
      );

      expect(verifyChain(await stores.audit.list(0, 100))).toEqual({ kind: 'sound', length: 6 });
      expect(await stores.audit.list(4, 100)).toHaveLength(2);
    });

    test('checkpoints are listed newest first, and the first of an id stays', async () => {
      await stores.checkpoints.put(aCheckpoint('one', 1));
      await stores.checkpoints.put(aCheckpoint('two', 2));
      await stores.checkpoints.put(aCheckpoint('two', 2));

      const names = (await stores.checkpoints.list(10)).map(({ name }) => name);

      expect(names).toEqual(['two', 'one']);
      expect(await stores.checkpoints.list(1)).toHaveLength(1);
    });

    test('a lock has one holder until it is released or its lease is over', async () => {
      expect(await stores.lock.acquire('ann', 1000)).toEqual({ acquired: true });
      expect(await stores.lock.acquire('bob', 1000)).toEqual({ acquired: false, holder: 'ann' });
      expect(await stores.lock.acquire('ann', 1000)).toEqual({ acquired: true });

      await stores.lock.release('bob');
      expect(await stores.lock.acquire('bob', 1000)).toMatchObject({ acquired: false });

      stores.advance(1001);
      expect(await stores.lock.acquire('bob', 1000)).toEqual({ acquired: true });

      await stores.lock.release('bob');
      expect(await stores.lock.acquire('ann', 1000)).toEqual({ acquired: true });
    });
  });
}

function aRun(change: Partial<RunRecord> = {}): RunRecord {
  const { steps, planHash } = planAll(profiles.guide);
  return {
    runId: 'run',
    revision: 1,
    routingEpoch: 7,
    planHash,
    profile: 'guide',
    steps,
    stepIndex: 0,
    phase: 'none',
    status: 'running',
    startedBy: 'ann',
    startedAtMs: 1,
    endedAtMs: null,
    stepEnteredAtMs: null,
    waitedSeconds: 0,
    decision: null,
    judged: [],
    statePhase: null,
    attempts: [],
    rollbacks: [],
    reason: null,
    executionCount: 1,
    ...change,
  };
}

function aCheckpoint(name: string, createdAtMs: number) {
  return sealCheckpoint({
    checkpointId: name,
    name,
    description: null,
    kind: 'operator',
    phase: 'canary',
    createdAtMs,
    createdBy: 'ann',
    runId: null,
    flags: null,
    categories: null,
    sourceFault: null,
  });
}
