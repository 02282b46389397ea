import { expect, test } from 'vitest';

import { parsePercent } from '../../../lib/kernel/percent.ts';
import { resumeMigration, startMigration } from '../../../lib/orchestrator/operations/start-migration.ts';
import { phaseNames, phaseOrder, phases, workingPhases } from '../../../lib/orchestrator/phases.ts';
import { parsePhase, planAll, planStep, startIndex } from '../../../lib/orchestrator/plan.ts';
import { profiles } from '../../../lib/orchestrator/profiles.ts';
import { makeControlWorld } from '../../support/control-world.ts';

const guide = profiles.guide;

test('every phase that does something has a way back and at least one gate', () => {
  for (const name of workingPhases) {
    expect(phases[name].undo).not.toBeNull();
    expect(phaseOrder(phases[name].undo!)).toBeLessThan(phaseOrder(name));
    expect(phases[name].gates.length).toBeGreaterThan(0);
  }
});

test('every step of every profile may follow the one before it, and no share shrinks', () => {
  for (const profile of Object.values(profiles)) {
    const { steps } = planAll(profile);
    for (const [index, step] of steps.entries()) {
      expect(phases[steps[index - 1]?.phase ?? 'none'].next).toContain(step.phase);
    }
    const shares = steps.flatMap(({ trafficThousandths }) => trafficThousandths ?? []);
    expect(shares).toEqual(shares.toSorted((left, right) => left - right));
    expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length);
  }
});

test('the plan hash names the content of the plan', () => {
  expect(planAll(guide).planHash).toBe(planAll(guide).planHash);
  expect(new Set(Object.values(profiles).map((profile) => planAll(profile).planHash)).size).toBe(4);
});

test.each([
  ['none', 'canary', 5_000, 'PhaseOutOfOrder'],
  ['shadow', 'full', undefined, 'PhaseOutOfOrder'],
  ['canary', 'ramp-up', 50_000, 'PhaseOutOfOrder'],
  ['shadow', 'canary', undefined, 'PercentageMissing'],
  ['shadow', 'canary', 0, 'PercentageInvalid'],
  ['shadow', 'canary', 100_001, 'PercentageInvalid'],
  ['shadow', 'canary', Number.NaN, 'PercentageInvalid'],
  ['none', 'shadow', 10_000, 'PercentageNotAllowed'],
  ['none', 'canry', 5_000, 'UnknownPhase'],
  ['none', 'none', undefined, 'UnknownPhase'],
] as const)('from %s, phase %s at %s is refused by %s', (phase, wanted, trafficThousandths, name) => {
  const request = { phase: wanted, ...(trafficThousandths === undefined ? {} : { trafficThousandths }) };

  expect(() => planStep(guide, request, { phase, trafficThousandths: 0 })).toThrowError(
    expect.objectContaining({
      name,
      exit: name === 'PhaseOutOfOrder' ? 'conflict' : 'usage',
      remedy: expect.stringMatching(/\w/) as unknown,
    }),
  );
});

test('a step may not lower the share', () => {
  const from = { phase: 'canary', trafficThousandths: 25_000 } as const;

  expect(() => planStep(guide, { phase: 'canary', trafficThousandths: 5_000 }, from)).toThrowError(
    expect.objectContaining({ name: 'PercentageDecreases' }),
  );
});

test('a step by hand takes bake time and limits from the profile', () => {
  const { steps } = planStep(
    profiles.conservative,
    { phase: 'canary', trafficThousandths: parsePercent('12') },
    { phase: 'shadow', trafficThousandths: 0 },
  );

  expect(steps).toMatchObject([{ id: 'canary-12', bakeSeconds: 4 * 3600, trafficThousandths: 12_000 }]);
  expect(steps[0]?.gates).toContainEqual(expect.objectContaining({ name: 'latency-p99', limitMs: 12 }));
});

test('other words for a phase are understood', () => {
  expect(parsePhase('cutover')).toBe('full');
  expect(parsePhase('Ramp_Up')).toBe('ramp-up');
});

test('a plan goes on at the last step of the phase where it stands', () => {
  const { steps } = planAll(guide);

  expect(steps[startIndex(steps, 'none')]?.id).toBe('shadow');
  expect(steps[startIndex(steps, 'shadow')]?.id).toBe('shadow');
  expect(steps[startIndex(steps, 'canary')]?.id).toBe('canary-35');
  expect(phaseNames).toContain('completed');
});

test('a second migration is refused while one runs', async () => {
  const world = makeControlWorld();
  await startMigration(world, { profile: 'guide', requestedBy: 'ann' });

  const second = startMigration(world, { profile: 'guide', requestedBy: 'bob' });

  await expect(second).rejects.toMatchObject({ name: 'MigrationRunning', exit: 'conflict' });
  await expect(resumeMigration(world, { requestedBy: 'bob' })).rejects.toMatchObject({
    name: 'MigrationRunning',
  });
});

test('of two starts at the same moment one wins', async () => {
  const world = makeControlWorld();

  const starts = await Promise.allSettled([
    startMigration(world, { profile: 'guide', requestedBy: 'ann' }),
    startMigration(world, { profile: 'guide', requestedBy: 'bob' }),
  ]);

  expect(starts.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(world.workflow.started.size).toBe(1);
});

test('nothing starts with users on board while a rollback alarm is red or the kill switch is set', async () => {
  const world = makeControlWorld();
  await startMigration(world, { profile: 'guide', requestedBy: 'ann' });
  const run = await world.runs.current();
  await world.runs.update(run!, { ...run!, status: 'rolled-back', phase: 'canary' });
  world.alarms.set('hal9-migrate-hierarchical-error-rate', { state: 'ALARM' });

  const withAlarm = resumeMigration(world, { requestedBy: 'ann' });

  await expect(withAlarm).rejects.toMatchObject({ name: 'AlarmsNotQuiet', exit: 'conflict' });

  world.alarms.set('hal9-migrate-hierarchical-error-rate', { state: 'OK' });
  await world.flags.writeFlags({ edit: (document) => ({ ...document, killSwitch: true }) });

  await expect(resumeMigration(world, { requestedBy: 'ann' })).rejects.toMatchObject({
    name: 'KillSwitchSet',
  });
});
