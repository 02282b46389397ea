import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { decodeKey } from '../../lib/migration/key.ts';
import { entryOrigin } from '../../lib/migration/set-aside-key.ts';
import { tableOf } from '../../lib/migration/table-lookup.ts';
import { cliCloud } from '../support/cli-cloud.ts';
import { linesNotRun } from '../support/state-runbook.ts';

const { ran, cli, command, json, execute, file, start, stop } = cliCloud('runbook');

beforeAll(() => start('local up --detach --records 1000 --rate 5'), 300_000);
afterAll(stop, 60_000);

interface Quarantine {
  readonly entries: readonly { readonly key: { readonly recordType: string; readonly id: string } }[];
}

/** What the copy could not convert; connections that were taken out stay there as evidence. */
async function unconverted() {
  const { entries } = (await json('state quarantine list')) as unknown as Quarantine;
  return entries.filter(({ key }) => entryOrigin(key).restoreId === null);
}

/** What an operator does about rows that nothing can read: here they go. */
async function removeQuarantinedRows(): Promise<number> {
  const entries = await unconverted();
  for (const { key } of entries) {
    const { table, keyColumns } = tableOf(hal9Definition, key.recordType);
    const where = keyColumns.map((column) => `${column} = ?`).join(' AND ');
    execute(`DELETE FROM ${table} WHERE ${where}`, ...decodeKey(key.id));
  }
  await expect.poll(unconverted, { timeout: 180_000, interval: 500 }).toEqual([]);
  return entries.length;
}

/** A copy under strict validation: where it stops, the operator repairs the rows and lets it go on. */
async function migrateStrictly(line: string): Promise<number> {
  const outcome = await cli(line);
  if (outcome.code === 0) return 0;
  expect({ line, err: outcome.err }).toMatchObject({
    line,
    err: expect.stringContaining('strict validation') as unknown,
  });
  const removed = await removeQuarantinedRows();
  await command('state-migration --resume');
  return removed + (await migrateStrictly(line));
}

const layers = ['substrate', 'protocol', 'cognitive', 'orchestration', 'intelligence'];

test('the procedure of the state runbook, command by command, under live writes', async () => {
  // 1.1 A backup of everything, read again, and its manifest.
  const made = await command(
    'state checkpoint --name "pre-state-migration-20260301-093000" --full-backup --verify',
  );
  const before = made.out.trim();
  expect(made.err).toContain('The backup is what was written');
  await command(`state export-manifest --checkpoint latest --output ${file('state-manifest.json')}`);
  expect(JSON.parse(readFileSync(file('state-manifest.json'), 'utf8'))).toMatchObject({
    checkpoint: { checkpointId: before, hashes: [{ category: 'user-sessions' }, {}, {}, {}, {}] },
  });

  // 1.2 Nothing is copied, so nothing can be consistent.
  const early = await command(
    `state verify --deep --compare flat,hierarchical --report ${file('consistency-report.json')}`,
    6,
  );
  expect(early.out).toContain('User Sessions: not copied yet');
  expect(early.out).not.toContain('100');
  expect(early.err).toContain('Nothing has been copied yet');
  expect(JSON.parse(readFileSync(file('consistency-report.json'), 'utf8'))).toMatchObject({
    notCopied: ['user-sessions', 'neuron-states', 'learning-data', 'configuration', 'metadata'],
  });

  // 1.3 Limits, first only looked at.
  const limits =
    'configure state-migration --batch-size 1000 --rate-limit 100/s --parallel-workers 4 --validation-mode strict';
  await command(`${limits} --dry-run`);
  const { settings: untouched } = (await json('state progress')) as { settings: unknown };
  expect(untouched).toMatchObject({ validationMode: 'lenient', parallelWorkers: null });
  expect(await json(limits)).toMatchObject({
    after: {
      batchSize: 1000,
      rateLimitPerWorker: 100,
      parallelWorkers: 4,
      validationMode: 'strict',
    },
  });
  expect(
    await json('configure reconciliation --interval 30s --auto-fix true --alert-threshold 0.01'),
  ).toMatchObject({
    after: { reconciliation: { intervalMs: 30_000, autoFix: true, alertThreshold: 0.01 } },
  });

  // 1.4 Dual write on, jobs told to wait.
  const mode = await command('mode migration --enable');
  expect(mode.out).toContain('Write Mode: dual-write');
  expect(mode.out).toContain('paused: memory-cleanup, pattern-analysis');
  await command('mode job memory-cleanup', 9);

  // 2 Sessions: those that are active first, the others after them.
  let repaired = await migrateStrictly(
    'state migrate --category user-sessions --filter "active=true" --priority high',
  );
  const progress = await command('state progress --category user-sessions');
  expect(progress.out).toMatch(/user-sessions +flat #1/);
  repaired += await migrateStrictly(
    'state migrate --category user-sessions --filter "active=false" --batch-mode --low-priority',
  );
  const sessions = await command(
    'state validate --category user-sessions --tests continuity,integrity,performance --lenient --latency-limit 10s',
  );
  expect(sessions.out).toContain('live records were read by key on the hierarchical side');
  expect(sessions.out).toContain('Performance: Meets SLA');

  // An emergency stop holds until somebody lets it go on.
  await command('state-migration --stop');
  const stopped = await command('state migrate --category neuron-states', 9);
  expect(stopped.err).toContain('state-migration --resume');
  await command('state-migration --resume');

  // 3 Neurons, bottom up.
  await command('neurons snapshot --pre-migration');
  await command(`neurons group --by layer --output ${file('neuron-groups.json')}`);
  expect(existsSync(file('neuron-groups.json'))).toBe(true);
  await command('configure state-migration --rate-limit 1000/s');
  for (const layer of layers) {
    repaired += await migrateStrictly(
      `state migrate --category neuron-states --filter "layer=${layer}" --validate-each --checkpoint-interval 1000`,
    );
  }
  await command('neurons validate-connections --deep --fix-orphaned');
  for (const layer of layers) await command(`neurons verify --layer ${layer}`);
  await command('neurons test-signals --samples 1000 --verify-paths');

  // 4 Learning data.
  const [exported, hierarchical] = [file('learning-export'), file('learning-hierarchical')];
  await command(`learning export --system flat --format hierarchical --output ${exported}/`);
  expect(readdirSync(exported)).toEqual(['manifest.json', 'part-00001.jsonl']);
  // A row of the generated store has a payload that is cut off.
  await command(`learning transform --input ${exported}/ --output ${hierarchical}/ --validate-schemas`, 3);
  expect(readFileSync(join(hierarchical, 'rejected.jsonl'), 'utf8')).toContain('InvalidJson');
  const importing = `learning import --input ${hierarchical}/ --system hierarchical --preserve-timestamps --batch-size 10000`;
  // Live changes have brought some of them already.
  const planned = (await json(`${importing} --dry-run`)) as { written: number; kept: number };
  expect(planned.written).toBeGreaterThan(0);
  repaired += await migrateStrictly(importing);
  await command('learning test --patterns 100 --compare-systems');
  await command('learning verify-gradients --sample-size 1000');
  expect(repaired).toBeGreaterThan(0);

  // 5 Configuration, all of it visible at once.
  await command(`config export --all --output ${file('config-backup.json')}`);
  repaired += await migrateStrictly('state migrate --category configuration --atomic --verify-each');
  await command(`config compare --system1 flat --system2 hierarchical --report ${file('config-diff.txt')}`);
  await command('config test-reload --changes 10 --verify-application');

  // 6 Metadata, the audit stream last and in order.
  repaired += await migrateStrictly('state migrate --category metadata --type metrics,logs,traces');
  const audit = await command('state migrate --category metadata --type audit --preserve-order');
  expect(audit.out + audit.err).toContain('In order, without a gap, the same on both sides');

  // 7 Both sides, completely; then damage that has to be found and mended.
  await command(`reconcile --full --fix-mode auto --report ${file('reconcile-report.json')}`);
  const whole = await command('state verify --all-categories --checksums --cross-reference');
  expect(whole.out).toMatch(/^Total Records: [\d,]+$/m);
  expect(whole.out).toMatch(/^Verified: [\d,]+ \(100%\)$/m);
  expect(whole.out).toMatch(/^Mismatches: 0\nMissing: 0\nExtra: 0$/m);
  expect(whole.out).toContain('User Sessions: 100% consistent');
  const { measures } = (await json(
    'benchmark --operations read,write,update --categories all --compare-systems --samples 5',
  )) as { measures: readonly { count: number; system: string }[] };
  expect(new Set(measures.filter(({ count }) => count > 0).map(({ system }) => system))).toEqual(
    new Set(['flat', 'hierarchical']),
  );
  await command('state diff --systems flat,hierarchical --verbose');
  await command('state fix --auto --safe-only');
  await command('state stats --resources');

  // 8 The authority moves; the phase is complete only with its evidence.
  const tooEarly = await command('phase complete state-migration --lenient --latency-limit 10s', 6);
  expect(tooEarly.out).toContain('missing: authority');
  await command('mode migration --disable-dual-write');
  const status = await command('state status');
  expect(status.out).toContain('Write Mode: hierarchical-only');

  expect(linesNotRun('state-runbook', ran)).toEqual([]);
}, 900_000);
