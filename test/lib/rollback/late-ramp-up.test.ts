import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { FlagStore } from '../../../lib/flags/ports.ts';
import type { StepEvent } from '../../../lib/orchestrator/change-run.ts';
import { makeEnterStep } from '../../../lib/orchestrator/enter-step.ts';
import { makeEvaluateGate } from '../../../lib/orchestrator/evaluate-gate.ts';
import { startMigration } from '../../../lib/orchestrator/operations/start-migration.ts';
import type { RunStore } from '../../../lib/orchestrator/ports.ts';
import type { RouteStore } from '../../../lib/router/ports.ts';
import { compileRoutes } from '../../../lib/router/routes.ts';
import { parseRollbackRequest } from '../../../lib/rollback/request.ts';
import { makeRollBack } from '../../../lib/rollback/roll-back.ts';
import { alarmEvent, makeControlWorld, walk } from '../../support/control-world.ts';

/** A bug that somebody could make: the store forgets to look at epoch and revision. */
function withoutConditions(runs: RunStore): RunStore {
  return {
    ...runs,
    update: async (_previous, next) => {
      const present = await runs.current();
      return present === null ? null : runs.update(present, { ...next, revision: present.revision });
    },
  };
}

function ignoringEpochs(flags: FlagStore): FlagStore {
  return {
    ...flags,
    writeFlags: ({ edit }) => flags.writeFlags({ edit: (document) => edit(document) }),
  };
}

interface Bugs {
  readonly runs: boolean;
  readonly flags: boolean;
}

/** A step being entered or judged, and a rollback, in one interleaving; the flags after everything came to rest. */
async function race(scheduler: fc.Scheduler, bugs: Bugs, killedAfter: number | null) {
  const world = makeControlWorld();
  const { executionName } = await startMigration(world, { profile: 'guide', requestedBy: 'ann' });
  const input = world.workflow.started.get(executionName) as StepEvent;
  const before = await walk(world, input, ({ stepIndex }) => stepIndex === 1);
  for (let polls = 0; polls < 3; polls += 1) world.measure('hierarchical', 1000);
  world.measure('flat', 1000);
  const judged = await world.evaluateGate(before);

  let effects = 0;
  const asynchronous = <Port extends object>(name: string, port: Port): Port =>
    new Proxy(port, {
      get(target, method: string) {
        const work = Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          await scheduler.schedule(Promise.resolve(), `${name}.${method}`);
          const result = await work(...args);
          await scheduler.schedule(Promise.resolve(), `${name}.${method} answered`);
          return result;
        };
      },
    });
  const runs = bugs.runs ? withoutConditions(world.runs) : world.runs;
  const flags = bugs.flags ? ignoringEpochs(world.flags) : world.flags;
  const late = {
    ...world,
    runs: asynchronous('runs', runs),
    flags: asynchronous('flags', flags),
    routes: asynchronous('routes', world.routes),
  };
  const killable =
    killedAfter === null
      ? late.runs
      : { ...late.runs, update: never(() => (effects += 1) > killedAfter, late.runs) };
  const request = parseRollbackRequest(alarmEvent(world), world.clock.nowMs());
  if (request.kind !== 'request') throw new Error('the alarm asks for nothing');

  const entering = makeEnterStep({ ...late, runs: killable })(judged);
  const rolling = makeRollBack({
    ...late,
    runs: asynchronous('rollback runs', world.runs),
    flags: asynchronous('rollback flags', world.flags),
  })(request.request);
  // AppConfig's extension publishes whatever is deployed, at any moment.
  const publishing = follow(late.routes, world.flags);
  void entering.catch(() => undefined);
  await scheduler.waitFor(Promise.all([rolling, publishing]));
  await scheduler.waitIdle();
  await follow(world.routes, world.flags);
  // What is left of the workflow asks once more.
  await makeEvaluateGate({ ...world, runs })({ ...judged });
  const { document } = await world.flags.readFlags();
  return { document, routes: await world.routes.read(), run: await world.runs.current() };
}

function never(isDead: () => boolean, runs: RunStore): RunStore['update'] {
  return (previous, next) => (isDead() ? new Promise(() => undefined) : runs.update(previous, next));
}

function follow(routes: RouteStore, flags: FlagStore): Promise<unknown> {
  return routes.follow(async () => {
    const { document, version } = await flags.readFlags();
    return compileRoutes(document, version);
  });
}

function law(bugs: Bugs) {
  return fc.asyncProperty(
    fc.scheduler(),
    fc.option(fc.integer({ min: 0, max: 2 }), { nil: null }),
    async (scheduler, killedAfter) => {
      const { document, routes, run } = await race(scheduler, bugs, killedAfter);
      expect(document.trafficThousandths).toBe(0);
      expect(routes?.trafficThousandths).toBe(0);
      expect(run).toMatchObject({ status: 'rolled-back', phase: 'shadow' });
    },
  );
}

test('a step that is being entered never overwrites a rollback, in any order of events', async () => {
  await fc.assert(law({ runs: false, flags: false }), { numRuns: 300 });
});

test('without the condition on epoch and revision of the run record the law breaks', async () => {
  const details = await fc.check(law({ runs: true, flags: false }), { numRuns: 300, seed: 1 });

  expect(String(details.errorInstance)).toMatch(/AssertionError/);
});

test('without the expected epoch of the flags the law breaks', async () => {
  const details = await fc.check(law({ runs: false, flags: true }), { numRuns: 300, seed: 1 });

  // Either users are on hierarchical again, or the rollback itself sees that it is overwritten.
  expect(String(details.errorInstance)).toMatch(/AssertionError|RollbackIncomplete/);
});
