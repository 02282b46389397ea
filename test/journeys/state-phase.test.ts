import { afterAll, beforeAll, expect, test } from 'vitest';

import type { StepEvent } from '../../lib/orchestrator/change-run.ts';
import { resumeMigration, startMigration } from '../../lib/orchestrator/operations/start-migration.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { alarmEvent, makeControlWorld, walk } from '../support/control-world.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startQueues, type TestQueues } from '../support/fauxqs.ts';
import { makeStateSystem } from '../support/state-system.ts';

let dynamo: TestDynamo;
let queues: TestQueues;
beforeAll(async () => {
  [dynamo, queues] = await Promise.all([startDynamo(), startQueues()]);
});
afterAll(() => Promise.all([dynamo.stop(), queues.stop()]));

const schema = `
  CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY, payload TEXT);
  CREATE TABLE events (stream TEXT NOT NULL, number INTEGER NOT NULL, payload TEXT, PRIMARY KEY (stream, number));
  CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, payload TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
  INSERT INTO sessions SELECT 's' || i, 'payload ' || i FROM n;
  INSERT INTO events VALUES ('log', 1, 'first');
`;

test('the gate moves real state through every stage, the rollback brings it back, and it goes again', async () => {
  const system = await makeStateSystem({ dynamo, queues }, smallDefinition, schema);
  const world = makeControlWorld();
  world.handlers['prepare-source'] = system.functions.prepareSource;
  world.handlers['verify-state'] = system.functions.verifyState;
  world.handlers['switch-authority'] = system.functions.switchAuthority;
  world.handlers['plan-batches'] = async (event) => {
    const answer = await system.functions.planBatches(event);
    // The event source delivers while the gate waits.
    await system.deliverRanges();
    return answer;
  };
  const authorities = async () => {
    const { authorities: found } = await system.functions.prepareSource({ action: 'status' });
    return [...new Set(Object.values(found).map(({ state }) => state))];
  };

  const { executionName } = await startMigration(world, { profile: 'guide', requestedBy: 'ann' });
  const input = world.workflow.started.get(executionName) as StepEvent;
  expect(await walk(world, input)).toMatchObject({ verdict: 'complete' });

  expect(await authorities()).toEqual(['following']);
  const { statePhase } = (await world.runs.current()) ?? {};
  expect(statePhase).toMatchObject({
    stage: 'done',
    before: { outcome: 'verified', verified: 301 },
    after: { outcome: 'verified', verified: 301 },
  });

  await world.rollBack(alarmEvent(world));

  expect(await authorities()).toEqual(['open']);

  const again = await resumeMigration(world, { requestedBy: 'ann' });
  const second = world.workflow.started.get(again.executionName) as StepEvent;
  expect(await walk(world, second)).toMatchObject({ verdict: 'complete' });
  expect(await authorities()).toEqual(['following']);
  expect(system.failures).toEqual([]);
  await system.close();
});
