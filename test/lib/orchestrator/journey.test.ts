import { expect, test } from 'vitest';

import { verifyChain } from '../../../lib/audit/record.ts';
import { isSealed } from '../../../lib/orchestrator/checkpoint.ts';
import type { StepEvent } from '../../../lib/orchestrator/change-run.ts';
import { resumeMigration, startMigration } from '../../../lib/orchestrator/operations/start-migration.ts';
import { workingPhases } from '../../../lib/orchestrator/phases.ts';
import { isActive } from '../../../lib/orchestrator/run.ts';
import { setShadow } from '../../../lib/flags/edit.ts';
import { alarmEvent, makeControlWorld, walk, type ControlWorld } from '../../support/control-world.ts';

const guide = { profile: 'guide', requestedBy: 'ann' };

async function started(world: ControlWorld): Promise<StepEvent> {
  const { executionName } = await startMigration(world, guide);
  return world.workflow.started.get(executionName) as StepEvent;
}

async function resumed(world: ControlWorld): Promise<StepEvent> {
  const { executionName } = await resumeMigration(world, { requestedBy: 'ann' });
  return world.workflow.started.get(executionName) as StepEvent;
}

async function assertNothingLeaks(world: ControlWorld): Promise<void> {
  const run = await world.runs.current();
  expect(run !== null && isActive(run)).toBe(false);
  expect(run?.attempts.filter(({ outcome }) => outcome === 'running')).toEqual([]);
  await expect(world.lock.acquire('anybody', 1)).resolves.toEqual({ acquired: true });
  expect(verifyChain(await world.audit.list(0, 1000)).kind).toBe('sound');
}

test('canary compares a tenth in shadow, and leaves alone what an operator sets after that', async () => {
  const world = makeControlWorld();
  const share = async () => (await world.flags.readFlags()).document.shadow.sampleThousandths;
  const inShadow = await walk(world, await started(world), ({ stepIndex }) => stepIndex === 0);
  expect(await share()).toBe(100_000);

  const inCanary = await walk(world, inShadow, ({ stepIndex }) => stepIndex === 1);
  expect(await share()).toBe(10_000);

  const stamp = { updatedBy: 'ann', atMs: 1, reason: 'more to compare' };
  await world.flags.writeFlags({ edit: setShadow({ enabled: true, sampleThousandths: 50_000 }, stamp) });
  await walk(world, inCanary, ({ stepIndex }) => stepIndex === 2);
  expect(await share()).toBe(50_000);
});

test('the whole plan goes forward, back from canary, forward, back from full with the state, and forward again', async () => {
  const world = makeControlWorld();

  // Forward to the second canary step, where an alarm strikes.
  const atCanary = await walk(world, await started(world), ({ stepIndex }) => stepIndex === 2);
  expect((await world.flags.readFlags()).document.trafficThousandths).toBe(10_000);
  await world.rollBack(alarmEvent(world));

  const afterCanary = await world.runs.current();
  expect(afterCanary).toMatchObject({ status: 'rolled-back', phase: 'shadow' });
  expect(afterCanary?.rollbacks).toMatchObject([{ fromPhase: 'canary', toPhase: 'shadow', failures: [] }]);
  expect((await world.flags.readFlags()).document).toMatchObject({
    trafficThousandths: 0,
    routingEpoch: 1,
    shadow: { enabled: true },
  });
  expect(await world.routes.read()).toMatchObject({ trafficThousandths: 0, routingEpoch: 1 });
  expect(await world.evaluateGate(atCanary)).toMatchObject({ verdict: 'superseded' });

  // Forward to the end.
  const end = await walk(world, await resumed(world));
  expect(end).toMatchObject({ verdict: 'complete' });
  expect(await world.runs.current()).toMatchObject({ status: 'completed', phase: 'completed' });
  expect([...world.authority.values()]).toEqual(Array.from({ length: 5 }, () => 'hierarchical'));
  expect((await world.flags.readFlags()).document.trafficThousandths).toBe(100_000);

  // Back after full: traffic and state.
  const answer = await world.rollBack(alarmEvent(world, '2026-01-02T00:00:00.000+0000'));
  expect(answer).toMatchObject({
    kind: 'rolled-back',
    record: { fromPhase: 'completed', toPhase: 'canary', authorityMovedAtMs: expect.any(Number) as unknown },
  });
  expect([...world.authority.values()]).toEqual(Array.from({ length: 5 }, () => 'flat'));

  // And forward again: the last canary step proves the ground, then the state moves once more.
  const again = await startMigration(world, guide);
  expect(again.kind).toBe('resumed');
  const input = world.workflow.started.get(again.executionName) as StepEvent;
  expect(again.run.steps[input.stepIndex]?.id).toBe('canary-35');
  expect(await walk(world, input)).toMatchObject({ verdict: 'complete' });
  expect([...world.authority.values()]).toEqual(Array.from({ length: 5 }, () => 'hierarchical'));

  const run = await world.runs.current();
  for (const phase of workingPhases) {
    expect(run?.attempts.findLast((attempt) => attempt.phase === phase)?.outcome).toBe('passed');
  }
  const checkpoints = await world.checkpoints.list(100);
  expect(checkpoints.every(isSealed)).toBe(true);
  expect(checkpoints.map(({ name }) => name)).toContain('pre-state-migration');
  await assertNothingLeaks(world);
});

test('a run cut off in the middle goes on at its step, and its zombie is refused', async () => {
  const world = makeControlWorld();
  const zombie = await walk(world, await started(world), ({ phase }) => phase === 'state-migration');
  world.workflow.end('run-1-1');

  const event = await resumed(world);

  expect(event).toMatchObject({ phase: 'state-migration', execution: 2 });
  expect(await world.evaluateGate(zombie)).toMatchObject({ verdict: 'superseded' });
  expect(await walk(world, event)).toMatchObject({ verdict: 'complete' });
  await assertNothingLeaks(world);
});

test('entering a step twice changes the flags once and bakes in full', async () => {
  const world = makeControlWorld();
  const event = await walk(world, await started(world), ({ stepIndex }) => stepIndex === 1);
  const versions = world.flags.history.length;

  const second = await world.enterStep(event);

  expect(world.flags.history).toHaveLength(versions);
  expect(second.waitSeconds).toBe(86_400);
});

test('the same alarm delivered twice is one rollback', async () => {
  const world = makeControlWorld();
  await walk(world, await started(world), ({ stepIndex }) => stepIndex === 2);

  const first = await world.rollBack(alarmEvent(world));
  const versions = world.flags.history.length;
  const second = await world.rollBack(alarmEvent(world));

  expect(first).toMatchObject({ kind: 'rolled-back' });
  expect(second).toMatchObject({ kind: 'nothing-to-do', last: { toPhase: 'shadow' } });
  expect(world.flags.history).toHaveLength(versions);
  expect((await world.runs.current())?.rollbacks).toHaveLength(1);
});

test('an alarm while nobody is on hierarchical takes nothing back', async () => {
  const world = makeControlWorld();
  await walk(world, await started(world), ({ stepIndex }) => stepIndex === 0);

  const answer = await world.rollBack(alarmEvent(world));

  expect(answer).toMatchObject({ kind: 'nothing-to-do' });
  expect(await world.runs.current()).toMatchObject({ status: 'baking', phase: 'shadow' });
});

test('records that differ before the switch hold the run, and no authority moves', async () => {
  const world = makeControlWorld();
  world.state.differences = 1;

  const end = await walk(world, await started(world));

  expect(end).toMatchObject({ verdict: 'hold' });
  expect(await world.runs.current()).toMatchObject({ status: 'held', phase: 'state-migration' });
  expect([...world.authority.values()]).toEqual(Array.from({ length: 5 }, () => 'flat'));

  world.state.differences = 0;

  expect(await walk(world, await resumed(world))).toMatchObject({ verdict: 'complete' });
});
