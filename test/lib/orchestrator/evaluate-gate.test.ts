import { expect, test } from 'vitest';

import type { StepEvent } from '../../../lib/orchestrator/change-run.ts';
import { startMigration } from '../../../lib/orchestrator/operations/start-migration.ts';
import { HalError } from '../../../lib/kernel/errors.ts';
import { makeControlWorld, walk, type ControlWorld } from '../../support/control-world.ts';

const alarm = 'hal9-migrate-hierarchical-error-rate';

async function atStep(id: string, prepare?: (world: ControlWorld) => void) {
  const world = makeControlWorld();
  prepare?.(world);
  const { executionName, run } = await startMigration(world, { profile: 'guide', requestedBy: 'ann' });
  const input = world.workflow.started.get(executionName) as StepEvent;
  const event = await walk(world, input, ({ stepIndex }) => run.steps[stepIndex]?.id === id);
  return { world, event: event };
}

test('a gate passes on enough good samples, and keeps its evidence with source and age', async () => {
  const { world, event } = await atStep('canary-5');
  world.measure('flat', 900);
  world.measure('hierarchical', 100);

  const judged = await world.evaluateGate(event);

  expect(judged).toMatchObject({ verdict: 'advance', phase: 'canary', stepIndex: event.stepIndex + 1 });
  const run = await world.runs.current();
  expect(run?.judged.find(({ gate }) => gate === 'error-rate')).toMatchObject({
    outcome: { kind: 'passed' },
    evidence: [
      {
        value: 0,
        limit: 0.01,
        samples: 100,
        source: expect.any(String) as unknown,
        ageMs: expect.any(Number) as unknown,
      },
    ],
  });
});

test('99 samples are not enough, and neither is evidence from before the step', async () => {
  const { world, event } = await atStep('canary-5');
  world.measure('flat', 900);
  world.measure('hierarchical', 99);

  expect(await world.evaluateGate(event)).toMatchObject({
    verdict: 'wait',
    reason: expect.stringContaining('99 of 100 requests') as unknown,
  });
});

test('nothing measured at all waits, with growing pauses, and holds in the end; it never advances', async () => {
  const { world, event } = await atStep('canary-5');
  const pauses: number[] = [];
  let verdict = 'wait';
  for (let polls = 0; verdict === 'wait' && polls < 500; polls += 1) {
    const judged = await world.evaluateGate(event);
    verdict = judged.verdict;
    pauses.push(judged.waitSeconds);
    world.advance(judged.waitSeconds * 1000);
  }

  expect(verdict).toBe('hold');
  expect(pauses.slice(0, -1)).toEqual(pauses.slice(0, -1).toSorted((left, right) => left - right));
  expect(pauses.length).toBeLessThan(100);
  expect(await world.runs.current()).toMatchObject({ status: 'held' });
});

test('waits that a compressed clock shortens do not use up the time for evidence', async () => {
  const { world, event } = await atStep('canary-5');
  const verdicts = new Set<string>();
  for (let polls = 0; polls < 300; polls += 1) {
    world.advance(10);
    verdicts.add((await world.evaluateGate(event)).verdict);
  }

  expect([...verdicts]).toEqual(['wait']);
});

test.each([
  [20, 'wait'],
  [60, 'roll-back'],
])('%i failed requests of 1,000 make it %s', async (errors, verdict) => {
  const { world, event } = await atStep('canary-5');
  world.measure('flat', 9000);
  world.measure('hierarchical', 1000, { errors });

  expect(await world.evaluateGate(event)).toMatchObject({ verdict });
});

test('a breach that lasts holds the step', async () => {
  const { world, event } = await atStep('canary-5');
  let verdict = 'wait';
  for (let polls = 0; verdict === 'wait' && polls < 200; polls += 1) {
    world.measure('flat', 90);
    world.measure('hierarchical', 100, { errors: 2 });
    const judged = await world.evaluateGate(event);
    verdict = judged.verdict;
    world.advance(judged.waitSeconds * 1000);
  }

  expect(verdict).toBe('hold');
});

test('latency is good enough below the limit or near that of flat', async () => {
  const { world, event } = await atStep('canary-5');
  world.measure('flat', 900, { latencyMs: 40 });
  world.measure('hierarchical', 100, { latencyMs: 43 });

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'advance' });
});

test('latency far above flat and above the rollback limit goes back', async () => {
  const { world, event } = await atStep('canary-5');
  world.measure('flat', 900, { latencyMs: 5 });
  world.measure('hierarchical', 500, { latencyMs: 80 });

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'roll-back' });
});

test('a few slow requests among a hundred are measured again before anything goes back', async () => {
  const { world, event } = await atStep('canary-5');
  world.measure('flat', 900, { latencyMs: 5 });
  world.measure('hierarchical', 499, { latencyMs: 80 });

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'wait' });
});

test('failed health checks of hierarchical go back, those of flat only hold', async () => {
  const { world, event } = await atStep('canary-5');
  for (let minute = 0; minute < 3; minute += 1) world.count('HealthCheckFailed', 'hierarchical', 1);
  world.measure('flat', 900);

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'roll-back' });

  const other = await atStep('canary-5');
  for (let minute = 0; minute < 3; minute += 1) other.world.count('HealthCheckFailed', 'flat', 1);
  other.world.measure('hierarchical', 900);

  expect(await other.world.evaluateGate(other.event)).toMatchObject({ verdict: 'wait' });
});

test.each([
  [{ state: 'ALARM' }, 'roll-back'],
  [{ state: 'INSUFFICIENT_DATA' }, 'wait'],
  [{ actionsEnabled: false }, 'wait'],
] as const)('an alarm with %j keeps the gate closed: %s', async (change, verdict) => {
  const { world, event } = await atStep('canary-5');
  world.measure('flat', 900);
  world.measure('hierarchical', 100);
  world.alarms.set(alarm, change);

  expect(await world.evaluateGate(event)).toMatchObject({ verdict });
});

test('without any rollback alarm nothing advances', async () => {
  const { world, event } = await atStep('canary-5');
  world.measure('flat', 900);
  world.measure('hierarchical', 100);
  world.alarms.list = async () => [];

  expect(await world.evaluateGate(event)).toMatchObject({
    verdict: 'wait',
    reason: expect.stringContaining('no alarm would roll back') as unknown,
  });
});

test('asked again after a lost answer the gate says the same', async () => {
  const { world, event } = await atStep('canary-5');
  world.measure('flat', 900);
  world.measure('hierarchical', 100);

  const first = await world.evaluateGate(event);
  const second = await world.evaluateGate(event);

  expect(second).toEqual(first);
});

test('shadow waits for 100 comparisons and wants parity', async () => {
  const { world, event } = await atStep('shadow');
  world.measure('flat', 100);
  world.count('HealthCheckFailed', 'hierarchical', 0);
  world.compare(99, 99);

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'wait' });

  world.compare(1, 0);

  expect(await world.evaluateGate(event)).toMatchObject({
    verdict: 'wait',
    reason: expect.stringContaining('99 % of the comparisons match') as unknown,
  });

  world.compare(2000, 2000);

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'advance', phase: 'canary' });
});

test('the state phase waits for the copy and for live requests between two switches', async () => {
  const { world, event } = await atStep('state-migration', (prepared) => {
    prepared.state.copied = false;
    prepared.state.pages = 3;
  });
  const gate = async () => world.evaluateGate(event);

  expect(await gate()).toMatchObject({
    verdict: 'wait',
    reason: expect.stringContaining('3 of 4 ranges') as unknown,
  });

  world.state.copied = true;
  world.measure('flat', 1000);
  world.measure('hierarchical', 1000);

  expect(await gate()).toMatchObject({ verdict: 'advance', phase: 'ramp-up' });
  expect((await world.runs.current())?.statePhase).toMatchObject({ stage: 'done', after: { mismatches: 0 } });
});

test('a switch that finds the copy incomplete after all waits', async () => {
  const { world, event } = await atStep('state-migration');
  const works = world.handlers['switch-authority']!;
  world.handlers['switch-authority'] = () =>
    Promise.reject(new HalError({ name: 'BackfillIncomplete', message: 'not yet', remedy: 'wait' }));

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'wait' });

  world.handlers['switch-authority'] = works;
  world.measure('flat', 1000);
  world.measure('hierarchical', 1000);

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'advance' });
});

/** A switch of neurons whose layers are not published, and the function that compares them in three stretches. */
function withLayers(world: Awaited<ReturnType<typeof atStep>>['world'], graph: { sound: boolean }) {
  const works = world.handlers['switch-authority']!;
  const asked: unknown[] = [];
  let published = false;
  world.handlers['switch-authority'] = (payload) =>
    published || (payload as { category: string }).category !== 'neuron-states'
      ? works(payload)
      : Promise.reject(new HalError({ name: 'LayersNotPublished', message: 'none', remedy: 'verify' }));
  world.handlers['examine-neurons'] = (payload) => {
    const { cursor } = payload as { cursor: string | null };
    asked.push(cursor);
    if (cursor !== 'b') return Promise.resolve({ done: false, cursor: cursor === null ? 'a' : 'b' });
    published = graph.sound;
    const findings = [{ fault: 'neuron-mismatch', pk: 'neuron/n1' }];
    return Promise.resolve(
      graph.sound
        ? { done: true, faulty: [], survey: { findings: [] } }
        : { done: true, faulty: ['protocol'], survey: { findings } },
    );
  };
  return asked;
}

test('the state phase publishes the layers of the neurons itself before they change hands', async () => {
  const { world, event } = await atStep('state-migration');
  const asked = withLayers(world, { sound: true });
  world.measure('flat', 1000);
  world.measure('hierarchical', 1000);

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'advance' });
  expect(asked).toEqual([null, 'a', 'b']);
  expect(world.authority.get('neuron-states')).toBe('hierarchical');
});

test('unsound layers are looked at again, and hold the phase when they stay so', async () => {
  const { world, event } = await atStep('state-migration');
  const asked = withLayers(world, { sound: false });
  world.measure('flat', 1000);
  world.measure('hierarchical', 1000);

  expect(await world.evaluateGate(event)).toMatchObject({
    verdict: 'wait',
    reason: expect.stringContaining(
      'the layers protocol are not sound: neuron-mismatch neuron/n1',
    ) as unknown,
  });
  expect(world.authority.get('neuron-states')).toBe('flat');

  let judged = await world.evaluateGate(event);
  for (let poll = 0; poll < 1_000 && judged.verdict === 'wait'; poll += 1) {
    world.advance(judged.waitSeconds * 1000);
    judged = await world.evaluateGate(event);
  }
  expect(judged.verdict).toBe('hold');
  expect(asked.slice(0, 6)).toEqual([null, 'a', 'b', null, 'a', 'b']);
});

test('a function that fails leaves the state phase where it was, to be done again', async () => {
  const { world, event } = await atStep('state-migration');
  const works = world.handlers['verify-state']!;
  world.handlers['verify-state'] = () => Promise.reject(new Error('out of memory'));

  await expect(world.evaluateGate(event)).rejects.toMatchObject({ name: 'FunctionFailed' });
  expect((await world.runs.current())?.statePhase?.stage).toBe('verify');

  world.handlers['verify-state'] = works;
  world.measure('flat', 1000);
  world.measure('hierarchical', 1000);

  expect(await world.evaluateGate(event)).toMatchObject({ verdict: 'advance' });
});
