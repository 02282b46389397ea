import { expect, test } from 'vitest';

import { HalError } from '../../../lib/kernel/errors.ts';
import type { StepEvent } from '../../../lib/orchestrator/change-run.ts';
import { startMigration } from '../../../lib/orchestrator/operations/start-migration.ts';
import { makeHandler } from '../../../functions/roll-back/handler.ts';
import { alarmEvent, makeControlWorld, walk, type ControlWorld } from '../../support/control-world.ts';

async function atStep(world: ControlWorld, id: string): Promise<StepEvent> {
  const { executionName, run } = await startMigration(world, { profile: 'guide', requestedBy: 'ann' });
  const input = world.workflow.started.get(executionName) as StepEvent;
  return await walk(world, input, ({ stepIndex }) => run.steps[stepIndex]?.id === id);
}

const away = () => Promise.reject(new Error('no control table'));

/** A port whose named methods leave a trace when they took effect. */
function traced<Port extends object>(
  trace: string[],
  port: Port,
  names: Partial<Record<keyof Port, string>>,
): Port {
  return new Proxy(port, {
    get(target, method: string) {
      const work = Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        const result = await work(...args);
        const name = names[method as keyof Port];
        if (name !== undefined) trace.push(name);
        return result;
      };
    },
  });
}

test('the epoch is raised first, then traffic goes, then the state, then the record is closed', async () => {
  const world = makeControlWorld();
  await atStep(world, 'full');
  const trace: string[] = [];
  const rollBack = makeHandler({
    ...world,
    runs: traced(trace, world.runs, { update: 'run' }),
    flags: traced(trace, world.flags, { writeFlags: 'flags' }),
    routes: traced(trace, world.routes, { publish: 'routes' }),
    invoker: traced(trace, world.invoker, { invoke: 'authority' }),
  });

  await rollBack(alarmEvent(world));

  expect(trace[0]).toBe('run');
  expect(trace.slice(1, 3).toSorted()).toEqual(['flags', 'routes']);
  expect(trace.indexOf('authority')).toBeGreaterThan(
    Math.max(trace.indexOf('flags'), trace.indexOf('routes')),
  );
  expect(trace.filter((name) => name === 'authority')).toHaveLength(5);
  expect(trace.at(-1)).toBe('run');
});

test('flags that cannot be written do not keep the routes from flat, and are written by the repetition', async () => {
  const world = makeControlWorld();
  await atStep(world, 'canary-5');
  const deaf = {
    ...world,
    flags: { ...world.flags, writeFlags: () => Promise.reject(new Error('AppConfig is away')) },
  };

  const first = makeHandler(deaf)(alarmEvent(world));

  await expect(first).rejects.toMatchObject({
    name: 'RollbackIncomplete',
    message: expect.stringContaining('AppConfig is away') as unknown,
  });
  expect(await world.routes.read()).toMatchObject({ trafficThousandths: 0 });
  expect(await world.runs.current()).toMatchObject({ status: 'rolling-back' });

  const second = await world.rollBack(alarmEvent(world));

  expect(second).toMatchObject({ kind: 'rolled-back', record: { failures: [] } });
  expect((await world.flags.readFlags()).document).toMatchObject({ trafficThousandths: 0, routingEpoch: 1 });
  expect((await world.runs.current())?.rollbacks).toHaveLength(1);
});

test('routes that cannot be written do not keep the flags from flat', async () => {
  const world = makeControlWorld();
  await atStep(world, 'canary-5');
  const blind = {
    ...world,
    routes: { ...world.routes, publish: () => Promise.reject(new Error('no KeyValueStore')) },
  };

  await expect(makeHandler(blind)(alarmEvent(world))).rejects.toThrowError(/no KeyValueStore/);

  expect((await world.flags.readFlags()).document.trafficThousandths).toBe(0);
});

test('a run record that cannot be read does not keep traffic from flat', async () => {
  const world = makeControlWorld();
  const late = await atStep(world, 'canary-5');
  const blind = { ...world, runs: { current: away, start: away, update: away } };

  await expect(makeHandler(blind)(alarmEvent(world))).rejects.toThrowError(/no control table/);

  expect((await world.flags.readFlags()).document.trafficThousandths).toBe(0);
  expect(await world.routes.read()).toMatchObject({ trafficThousandths: 0 });

  // The run does not know of it, and still cannot raise the share again.
  world.measure('flat', 1000);
  for (let minute = 0; minute < 3; minute += 1) world.measure('hierarchical', 1000);
  const judged = await world.evaluateGate(late);
  await world.enterStep(judged);
  expect((await world.flags.readFlags()).document.trafficThousandths).toBe(0);
  expect(await world.runs.current()).toMatchObject({ status: 'held' });
});

test('a switch on its way to hierarchical is aborted before its category goes back', async () => {
  const world = makeControlWorld();
  await atStep(world, 'full');
  const calls: string[] = [];
  world.handlers['switch-authority'] = async (payload) => {
    const { category, to, action } = payload as { category: string; to: string; action: string };
    calls.push(`${category} ${to} ${action}`);
    const isFirst = calls.length === 1;
    if (isFirst) {
      throw new HalError({ name: 'SwitchUnderWay', message: 'under way', remedy: 'abort it' });
    }
    return {};
  };

  await world.rollBack(alarmEvent(world));

  expect(calls.slice(0, 3)).toEqual([
    'metadata flat switch',
    'metadata hierarchical abort',
    'metadata flat switch',
  ]);
});

test('a category that cannot go back is told, the others go back, and the repetition finishes', async () => {
  const world = makeControlWorld();
  await atStep(world, 'full');
  const works = world.handlers['switch-authority']!;
  world.handlers['switch-authority'] = async (payload) => {
    if ((payload as { category: string }).category === 'configuration') throw new Error('drain failed');
    return works(payload);
  };

  await expect(world.rollBack(alarmEvent(world))).rejects.toThrowError(/configuration: drain failed/);
  expect([...world.authority.values()].filter((side) => side === 'flat')).toHaveLength(4);

  world.handlers['switch-authority'] = works;

  expect(await world.rollBack(alarmEvent(world))).toMatchObject({ kind: 'rolled-back' });
  expect(world.authority.get('configuration')).toBe('flat');
});

test('while somebody else moves the state back, a second caller only takes the traffic', async () => {
  const world = makeControlWorld();
  await atStep(world, 'full');
  await world.lock.acquire('somebody', 60_000);

  const answer = await world.rollBack(alarmEvent(world));

  expect(answer).toMatchObject({ kind: 'under-way', holder: 'somebody' });
  expect((await world.flags.readFlags()).document.trafficThousandths).toBe(0);
});

test('an operator chooses the phase, keeps a share, and goes back from ramp-up without moving the state', async () => {
  const world = makeControlWorld();
  await atStep(world, 'full');

  const answer = await world.rollBack({
    requestedBy: 'ann',
    reason: 'capacity',
    toPhase: 'ramp-up',
    trafficThousandths: 50_000,
  });

  expect(answer).toMatchObject({ record: { toPhase: 'ramp-up', authorityMovedAtMs: null } });
  expect((await world.flags.readFlags()).document.trafficThousandths).toBe(50_000);
  expect([...world.authority.values()]).toEqual(Array.from({ length: 5 }, () => 'hierarchical'));
});

test('a complete rollback takes everything to flat from wherever the migration stands', async () => {
  const world = makeControlWorld();
  await atStep(world, 'ramp-up-50');

  const answer = await world.rollBack({ requestedBy: 'ann', complete: true, emergency: true });

  expect(answer).toMatchObject({ kind: 'rolled-back', record: { toPhase: 'shadow' } });
  expect((await world.flags.readFlags()).document).toMatchObject({ killSwitch: true, trafficThousandths: 0 });
  expect([...world.authority.values()]).toEqual(Array.from({ length: 5 }, () => 'flat'));
});

test.each([
  [{ toPhase: 'full' }, 'RollbackForward'],
  [{ toPhase: 'sideways' }, 'UnknownPhase'],
])('an operator who asks for %j is told', async (wish, name) => {
  const world = makeControlWorld();
  await atStep(world, 'canary-5');

  await expect(world.rollBack({ requestedBy: 'ann', ...wish })).rejects.toMatchObject({ name });
  expect(await world.runs.current()).toMatchObject({ status: 'baking' });
});

test('an alarm that is OK again, and an event of no known shape, change nothing', async () => {
  const world = makeControlWorld();
  await atStep(world, 'canary-5');
  const event = alarmEvent(world);
  const ok = { ...event, alarmData: { ...event.alarmData, state: { value: 'OK' } } };

  expect(await world.rollBack(ok)).toMatchObject({ kind: 'ignored' });
  await expect(world.rollBack({ hello: 'world' })).rejects.toMatchObject({ name: 'RollbackRequestInvalid' });
  expect((await world.flags.readFlags()).document.trafficThousandths).toBe(5_000);
});

test('the verification says by measurements whether users are on flat', async () => {
  const world = makeControlWorld();
  await atStep(world, 'canary-5');
  const sleeper = {
    sleep: async (durationMs: number) => {
      world.advance(durationMs);
      world.measure('flat', 50);
    },
  };

  const answer = await makeHandler({ ...world, sleeper, patienceMs: 15_000 })(alarmEvent(world));

  expect(answer).toMatchObject({
    verification: { confirmed: true, routesOnFlat: true, hierarchicalRequests: null },
  });
});

test('a switch that ends after the rollback looked is undone by whoever made it', async () => {
  const world = makeControlWorld();
  const event = await atStep(world, 'state-migration');
  const works = world.handlers['switch-authority']!;
  let isFirst = true;
  world.handlers['switch-authority'] = async (payload) => {
    if (isFirst) {
      isFirst = false;
      await world.rollBack({ requestedBy: 'ann', toPhase: 'canary' });
    }
    return works(payload);
  };

  const judged = await world.evaluateGate(event);

  expect(judged).toMatchObject({ verdict: 'superseded' });
  expect(await world.runs.current()).toMatchObject({ status: 'rolled-back', phase: 'canary' });
  expect([...world.authority.values()]).toEqual(Array.from({ length: 5 }, () => 'flat'));
});
