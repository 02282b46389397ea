import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';

import { freshAssembly } from '../../local/cloud/assembly.ts';
import { stopCloud } from '../../local/cloud/lifecycle.ts';
import { captured, onlyDocument } from '../cli/captured-cli.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'hal9-phases-'));
const environment = { ...process.env };

beforeAll(async () => {
  await freshAssembly(() => undefined);
}, 300_000);

afterAll(async () => {
  await stopCloud(dataDir);
  process.env = environment;
  rmSync(dataDir, { recursive: true, force: true });
});

/** Runs a command line against the cloud of this file and reads its JSON document. */
async function run<Shape extends z.ZodMiniType>(
  line: string,
  shape: Shape,
  exitCode = 0,
): Promise<z.output<Shape>> {
  const { code, out, err } = await captured(`${line} --json --data ${dataDir}`, process.env);
  expect({ line, code, err: code === exitCode ? '' : err }).toEqual({ line, code: exitCode, err: '' });
  return z.parse(shape, onlyDocument(out));
}

function document<const Kind extends string, Content extends z.core.$ZodLooseShape>(
  kind: Kind,
  content: Content,
) {
  return z.object({ apiVersion: z.literal('hal9-migrate/v1'), kind: z.literal(kind), ...content });
}

const check = z.object({
  name: z.string(),
  result: z.enum(['pass', 'warn', 'fail']),
  detail: z.string(),
  remedy: z.nullable(z.string()),
});
const runRecord = z.object({
  runId: z.string(),
  phase: z.string(),
  status: z.string(),
  steps: z.array(z.object({ id: z.string() })),
  attempts: z.array(z.object({ stepId: z.string(), outcome: z.string() })),
});
const shapes = {
  cloud: document('LocalCloud', { state: z.literal('running'), endpoints: z.record(z.string(), z.string()) }),
  preCheck: document('PreCheck', { ready: z.boolean(), checks: z.array(check) }),
  status: document('Status', {
    phase: z.string(),
    run: z.nullable(runRecord),
    flags: z.object({ trafficThousandths: z.number(), shadowEnabled: z.boolean(), killSwitch: z.boolean() }),
    alarms: z.array(z.object({ name: z.string(), state: z.string() })),
  }),
  plan: document('MigrationPlan', { steps: z.array(z.object({ id: z.string(), bakeSeconds: z.number() })) }),
  started: document('MigrationStarted', { run: runRecord }),
  result: document('MigrationResult', { run: runRecord }),
  features: document('FeatureList', {
    features: z.array(z.object({ name: z.string(), enabled: z.boolean(), percentage: z.number() })),
  }),
  feature: document('Feature', { name: z.string(), enabled: z.boolean(), percentage: z.number() }),
  split: document('TrafficSplit', {
    flagsThousandths: z.number(),
    routesThousandths: z.nullable(z.number()),
    consistent: z.boolean(),
    measured: z.object({ flat: z.nullable(z.number()), hierarchical: z.nullable(z.number()) }),
  }),
  checkpoint: document('Checkpoint', {
    checkpoint: z.object({ checkpointId: z.string(), name: z.string(), phase: z.string() }),
  }),
  checkpoints: document('CheckpointList', {
    checkpoints: z.array(z.object({ checkpointId: z.string(), name: z.string(), kind: z.string() })),
  }),
  rollback: document('RollbackResult', {
    answer: z.object({
      kind: z.literal('rolled-back'),
      record: z.object({ fromPhase: z.string(), toPhase: z.string(), failures: z.array(z.string()) }),
    }),
  }),
  verification: document('Verification', { passed: z.boolean(), checks: z.array(check) }),
  error: document('Error', {
    error: z.object({
      name: z.string(),
      message: z.string(),
      remedy: z.string(),
      facts: z.record(z.string(), z.unknown()),
      exitCode: z.number(),
    }),
  }),
};

test('an operator goes to canary and back by the command line', async () => {
  await run('local up --detach --records 2000 --rate 200', shapes.cloud);

  // Before anything: all is well, everybody is on flat, and only shadow may come.
  const ready = await run('pre-check', shapes.preCheck);
  expect(ready).toMatchObject({ ready: true });
  expect(await run('status', shapes.status)).toMatchObject({ phase: 'none', run: null });
  const early = await run('migrate --phase full', shapes.error, 9);
  expect(early.error).toMatchObject({
    name: 'PhaseOutOfOrder',
    remedy: 'Run: hal9-migrate migrate --phase shadow',
  });
  const plan = await run('migrate --dry-run', shapes.plan);
  expect(plan.steps.map(({ id }) => id).slice(0, 2)).toEqual(['shadow', 'canary-5']);

  // Flags while nothing runs.
  await run('feature enable hierarchical_neurons --percentage 10', shapes.feature);
  await run('feature disable meta_cognition --reason none', shapes.feature);
  const { features } = await run('feature list', shapes.features);
  expect(features.filter(({ enabled }) => enabled)).toEqual([
    { name: 'hierarchical_neurons', enabled: true, percentage: 10 },
  ]);
  expect(await run('feature status hierarchical_neurons', shapes.feature)).toMatchObject({ percentage: 10 });

  // Shadow.
  const shadow = await run('migrate --phase shadow --timeout 60', shapes.result);
  expect(shadow.run).toMatchObject({ status: 'completed', phase: 'shadow' });
  expect(await run('status', shapes.status)).toMatchObject({
    phase: 'shadow',
    flags: { trafficThousandths: 0, shadowEnabled: true },
  });
  const compared = await run('verify --tests shadow-comparison,endpoint-validation', shapes.verification);
  expect(compared.checks.map(({ name, result }) => [name, result])).toEqual([
    ['shadow-comparison', 'pass'],
    ['endpoint-validation', 'pass'],
  ]);

  // Canary, one at a time, and only upwards.
  const needed = await run('migrate --phase canary', shapes.error, 2);
  expect(needed.error.name).toBe('PercentageMissing');
  const { run: started } = await run('migrate --phase canary --percentage 5 --no-wait', shapes.started);
  const second = await run('migrate --phase canary --percentage 10', shapes.error, 9);
  expect(second.error).toMatchObject({ name: 'MigrationRunning', facts: { runId: started.runId } });
  await expect
    .poll(async () => (await run('status', shapes.status)).run?.status, { timeout: 40_000, interval: 500 })
    .toBe('completed');
  const ten = await run('migrate --phase canary --percentage 10 --timeout 60', shapes.result);
  expect(ten.run).toMatchObject({ status: 'completed', phase: 'canary' });
  expect(ten.run.attempts.map(({ stepId, outcome }) => `${stepId} ${outcome}`)).toEqual([
    'shadow passed',
    'canary-5 passed',
    'canary-10 passed',
  ]);
  const lower = await run('migrate --phase canary --percentage 5', shapes.error, 2);
  expect(lower.error.name).toBe('PercentageDecreases');
  const split = await run('traffic --show-split --verify', shapes.split);
  expect(split).toMatchObject({ flagsThousandths: 10_000, routesThousandths: 10_000, consistent: true });
  expect(split.measured.hierarchical).toBeGreaterThan(0);

  // Where everything stands, written down.
  const { checkpoint } = await run('state checkpoint -n before-rollback -d why', shapes.checkpoint);
  const { checkpoints } = await run('state list-checkpoints', shapes.checkpoints);
  expect(checkpoint).toMatchObject({ name: 'before-rollback', phase: 'canary' });
  expect(checkpoints.map(({ checkpointId }) => checkpointId)).toContain(checkpoint.checkpointId);
  expect(checkpoints.filter(({ kind }) => kind === 'pre-phase')).toHaveLength(3);

  // And back: at once, and confirmed by what the edge has.
  const wrong = await run('rollback --from-phase full', shapes.error, 9);
  expect(wrong.error.name).toBe('OtherPhase');
  const { answer } = await run('rollback --to-phase shadow', shapes.rollback);
  expect(answer.record).toMatchObject({ fromPhase: 'canary', toPhase: 'shadow', failures: [] });
  expect(await run('traffic --show-split --verify', shapes.split)).toMatchObject({
    flagsThousandths: 0,
    routesThousandths: 0,
    consistent: true,
  });
  const after = await run('status', shapes.status);
  expect(after).toMatchObject({ phase: 'shadow', flags: { trafficThousandths: 0, killSwitch: false } });
  const notYet = await run('verify --tests data-integrity state-consistency', shapes.verification, 6);
  expect(notYet.checks.map(({ remedy }) => remedy)).toEqual([
    'hal9-migrate state migrate',
    'hal9-migrate state migrate',
  ]);
}, 150_000);
