import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { cliCloud } from '../support/cli-cloud.ts';
import { linesNotRun } from '../support/state-runbook.ts';

// What the state runbook has after the switch of authority, command by command, under live writes. The commands of a
// part may rely on those before it.

const { ran, command, eventually, json, damagePart, file, start, stop } = cliCloud('runbook-after');
const patience = { timeout: 900_000 };
/** Besides what the runbook says: what the generated store brought with it passes, and so does a loaded machine. */
const tolerant = '--lenient --latency-limit 30s';

const beforeName = 'pre-state-migration-20260301-093000';
let before = '';

beforeAll(async () => {
  await start('local up --detach --records 400 --rate 5');
  before = (await command(`state checkpoint --name "${beforeName}" --full-backup --verify`)).out.trim();
  for (const line of ['mode migration --enable', 'state migrate']) await command(line);
}, 900_000);

afterAll(stop, 120_000);

interface Mode {
  readonly categories: readonly { readonly authority: { readonly state: string } }[];
}

async function authorities(): Promise<readonly string[]> {
  const { categories } = (await json('mode status')) as unknown as Mode;
  return [...new Set(categories.map(({ authority }) => authority.state))];
}

test('8 the authority moves, with the layers of the neurons published on the way', patience, async () => {
  await eventually('mode migration --disable-dual-write');

  const { out } = await command('state status');
  expect(out).toContain('Write Mode: hierarchical-only');
  expect((await command('neurons verify --dry-run')).err).toContain('neurons validate-connections');
});

test('8.2 and 8.3 a checkpoint is made, and the phase is complete', patience, async () => {
  const made = await command(
    'state checkpoint --name "post-state-migration-20260301-173000" --description "State migration completed"',
  );
  const complete = await eventually(`phase complete state-migration ${tolerant}`);

  expect(made.out.trim()).toMatch(/^post-state-migration-/);
  expect(complete.out).toContain('state-migration is complete');
});

test(
  '8.3 the report tells what was migrated, what held, and what did not go by itself',
  patience,
  async () => {
    const pdf = file('state-migration-report.pdf');
    await command(`report --phase state-migration --detailed --output ${pdf}`);
    const { out } = await command('report --phase state-migration');

    expect(readFileSync(pdf, 'latin1')).toMatch(/^%PDF-1\.4\n[^]*\(State migration report\) Tj[^]*%%EOF\n$/);
    expect(out).toMatch(/^Outcome: +complete$/m);
    expect(out).toMatch(/^Migration End: +20\d\d-/m);
    expect(out).toMatch(/^Neuron States +hierarchical-only +[\d,]+ +[\d,]+ /m);
    expect(out).toMatch(/^authority +Write Mode: hierarchical-only/m);
    expect(out).toContain('are in quarantine');
    expect(await json('report')).toMatchObject({ outcome: 'complete', auditChain: { kind: 'sound' } });
  },
);

test('both sides stay together while they are watched', patience, async () => {
  const { out } = await command(
    'monitor --phase post-state-migration --duration 10s --interval 4s --alert-on-drift',
  );

  const looks = out.trim().split('\n');
  expect(looks.length).toBeGreaterThan(1);
  for (const look of looks) expect(look).toMatch(/[1-9][\d,]* of [\d,]+ verified, drift 0\.00 % \(0\)/);
});

test('the comprehensive validation passes every check', patience, async () => {
  const { out } = await eventually(`validate --phase state-migration --comprehensive ${tolerant}`);

  for (const line of [
    'State Consistency: No issues',
    'Performance: Meets SLA',
    'User Sessions: Active',
    'Learning Continuity: Verified',
    'Configuration: Applied',
    'Metadata: Complete',
  ]) {
    expect(out).toContain(line);
  }
});

test('one category goes back to a checkpoint, and no other is touched', patience, async () => {
  const { err, out } = await command(
    'state rollback --category neuron-states --to-checkpoint latest --preserve-others',
  );

  expect(err).toContain('--preserve-others: no category but those named is touched, as always.');
  expect(out).toMatch(/^ +[\d,]+ {2}records of the backup looked at$/m);
});

test('what a damaged backup still holds is recovered, and the rest is in quarantine', patience, async () => {
  const damaged = (await command('state backup --name for-recovery')).out.trim();
  damagePart('configuration', damaged);
  const recovered = await command('state recover --from-backup --validate-each --quarantine-corrupted', 3);

  expect(recovered.out).toMatch(/^ +[1-9]\d* {2}pieces of the backup that cannot be read, in quarantine$/m);
  expect((await command('state quarantine list')).out).toContain('BackupRecordDamaged');
});

test('differences are named, mended and explained', patience, async () => {
  await eventually('state diff --systems flat,hierarchical --verbose');
  await eventually('state fix --auto --safe-only');
  await eventually('state fix --interactive --guidance');
});

test('the copy is slowed down and its use shown', patience, async () => {
  await command('configure state-migration --rate-limit 50/s --parallel-workers 2');

  const { out } = await command('state stats --resources');
  expect(out).toMatch(/^workers +\d+ at work$/m);
  expect((await json('state stats --resources'))['settings']).toMatchObject({
    rateLimitPerWorker: 50,
    parallelWorkers: 2,
  });
});

test('validation says what failed and tries again', patience, async () => {
  const failed = await eventually(`state validate --failed-only --debug --suggestions ${tolerant}`);
  await eventually(`state validate --category user-sessions --fix-and-retry ${tolerant}`);

  expect(failed.out).not.toContain('pass');
});

test('the state goes back to the checkpoint, and flat has its writes again', patience, async () => {
  const refused = await command('mode flat-only', 9);
  const { out } = await command(`state rollback --to-checkpoint "${beforeName}" --force`);
  await eventually('mode flat-only --force');

  expect(refused.err).toContain('Add --force');
  expect(out).toMatch(/^ +[\d,]+ {2}records of the backup looked at$/m);
  expect(before).toMatch(/^pre-state-migration-/);
  expect(await authorities()).toEqual(['open']);
  await eventually('state verify');
});

test('that was every line of it', () => {
  expect(linesNotRun('state-runbook-after', ran)).toEqual([]);
});
