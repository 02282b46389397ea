import { expect, test } from 'vitest';

import { isSealed } from '../../../lib/orchestrator/checkpoint.ts';
import { createCheckpoint, listCheckpoints } from '../../../lib/orchestrator/operations/checkpoints.ts';
import { preCheck, type PreCheckDeps } from '../../../lib/orchestrator/operations/pre-check.ts';
import { readStatus } from '../../../lib/orchestrator/operations/read-status.ts';
import { requestRollback } from '../../../lib/orchestrator/operations/request-rollback.ts';
import { startMigration } from '../../../lib/orchestrator/operations/start-migration.ts';
import { makeControlWorld, type ControlWorld } from '../../support/control-world.ts';

function checking(world: ControlWorld, change: Partial<PreCheckDeps> = {}): PreCheckDeps {
  return {
    ...world,
    probe: { check: async () => ({ healthy: true, detail: 'status 200' }) },
    place: 'local',
    sourceKind: 'sqlite',
    ...change,
  };
}

test('a healthy system may start; what is not there yet is a warning', async () => {
  const report = await preCheck(checking(makeControlWorld()));

  expect(report.ready).toBe(true);
  expect(report.checks.filter(({ result }) => result !== 'pass')).toMatchObject([
    { name: 'routes', result: 'warn' },
  ]);
});

test('every fault is told with its remedy, and one does not hide the others', async () => {
  const world = makeControlWorld({ flags: { killSwitch: true } });
  world.alarms.set('hal9-migrate-hierarchical-error-rate', { actionsEnabled: false });
  world.handlers['prepare-source'] = () => Promise.reject(new Error('table "users" is missing'));
  const probe = { check: async (system: string) => ({ healthy: system === 'flat', detail: 'refused' }) };

  const report = await preCheck(checking(world, { probe }));

  expect(report.ready).toBe(false);
  const failed = report.checks.filter(({ result }) => result === 'fail');
  expect(failed.map(({ name }) => name)).toEqual(['flags', 'alarms', 'hierarchical-health', 'source']);
  expect(failed.every(({ remedy }) => remedy !== null && remedy.length > 10)).toBe(true);
});

test.each([
  ['is lost', { heldBytes: 0, roomBytes: null, isLost: true }, 'fail', /is lost/, /state migrate/],
  [
    'has no room left',
    { heldBytes: 90e6, roomBytes: 5e6, isLost: false },
    'fail',
    /nearly out of room/,
    /max_slot_wal_keep_size/,
  ],
  [
    'is half used up',
    { heldBytes: 60e6, roomBytes: 40e6, isLost: false },
    'warn',
    /room for 40.0 MB/,
    /relay/,
  ],
  [
    'has no limit',
    { heldBytes: 60e6, roomBytes: null, isLost: false },
    'pass',
    /no limit but the disk/,
    /^none$/,
  ],
] as const)('a replication slot that %s is told of', async (_name, held, result, detail, remedy) => {
  const world = makeControlWorld();
  world.handlers['prepare-source'] = async () => ({
    changeLogInstalled: true,
    tables: [],
    heldLog: { slot: 'hal9_migrate_1', ...held },
    authorities: {},
  });

  const report = await preCheck(checking(world, { sourceKind: 'postgres' }));

  const found = report.checks.find(({ name }) => name === 'replication-slot');
  expect(found).toMatchObject({ result, detail: expect.stringMatching(detail) as unknown });
  expect(found?.remedy ?? 'none').toMatch(remedy);
  expect(report.ready).toBe(result !== 'fail');
});

test('on AWS a SQLite source fails the state phase and says why', async () => {
  const report = await preCheck(checking(makeControlWorld(), { place: 'aws' }));

  expect(report.checks.find(({ name }) => name === 'state-phase')).toMatchObject({
    result: 'fail',
    detail: expect.stringContaining('SQLite') as unknown,
  });
});

test('a checkpoint says where everything stood and cannot be changed unseen', async () => {
  const world = makeControlWorld({ flags: { trafficThousandths: 5_000 } });
  world.handlers['prepare-source'] = async () => ({
    changeLogInstalled: true,
    tables: [
      { recordType: 'session', table: 'sessions', category: 'user-sessions', rowCount: 3 },
      { recordType: 'user', table: 'users', category: 'user-sessions', rowCount: 4 },
    ],
    authorities: { 'user-sessions': { epoch: 1, state: 'open' } },
  });

  const checkpoint = await createCheckpoint(world, {
    name: 'Before canary!',
    kind: 'operator',
    createdBy: 'ann',
  });

  expect(checkpoint).toMatchObject({
    checkpointId: expect.stringMatching(/^before-canary-\d{8}-\d{6}$/) as unknown,
    categories: [{ category: 'user-sessions', rows: 7, authority: 'open', epoch: 1 }],
    flags: { trafficThousandths: 5_000 },
  });
  expect(isSealed(checkpoint)).toBe(true);
  expect(isSealed({ ...checkpoint, phase: 'full' })).toBe(false);
  expect(await listCheckpoints(world)).toEqual([checkpoint]);
});

test('the status tells run, flags, routes and alarms', async () => {
  const world = makeControlWorld();
  await startMigration(world, { profile: 'guide', requestedBy: 'ann' });

  expect(await readStatus(world)).toMatchObject({
    phase: 'none',
    run: { status: 'running', startedBy: 'ann' },
    flags: { trafficThousandths: 0, killSwitch: false },
    routes: null,
    alarms: [{ state: 'OK' }],
  });
});

test('an operator asks for a rollback as an alarm does', async () => {
  const world = makeControlWorld();
  const { executionName } = await startMigration(world, { profile: 'guide', requestedBy: 'ann' });
  await world.enterStep(world.workflow.started.get(executionName) as never);

  const answer = await requestRollback(world, { requestedBy: 'ann', reason: 'drill', requestId: 'r1' });
  const again = await requestRollback(world, { requestedBy: 'ann', reason: 'drill', requestId: 'r1' });

  expect(answer).toMatchObject({ kind: 'rolled-back', record: { fromPhase: 'shadow', toPhase: 'none' } });
  expect(again).toMatchObject({ kind: 'nothing-to-do', last: { rollbackId: 'operator/r1' } });
  expect((await world.flags.readFlags()).document.shadow.enabled).toBe(false);
});
