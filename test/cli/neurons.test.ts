import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { cliCloud } from '../support/cli-cloud.ts';

const { root, cli, json, execute, start, stop } = cliCloud('neurons');

beforeAll(() => start('local up --detach --rate 0 --records 600'), 300_000);

afterAll(stop, 60_000);

describe('the neurons of the state runbook, command by command', () => {
  test('are stored before they are touched, and counted by layer', { timeout: 300_000 }, async () => {
    const plan = await json('neurons snapshot --pre-migration --dry-run');
    const snapshot = await json('neurons snapshot --pre-migration');
    const output = join(root, 'neuron-groups.json');
    const groups = await json(`neurons group --by layer --output ${output}`);

    const stored = (plan['tables'] as { rowCount: number }[]).reduce(
      (sum, { rowCount }) => sum + rowCount,
      0,
    );
    expect(snapshot).toMatchObject({
      checkpoint: {
        name: 'pre-migration-neurons',
        hashes: [{ category: 'neuron-states' }],
        backup: { entries: stored },
      },
    });
    const counted = (groups['groups'] as { count: number }[]).reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBe(groups['total']);
    expect(JSON.parse(readFileSync(output, 'utf8'))).toMatchObject({ by: 'layer', total: counted });
  });

  test('publish no layer before they are copied', { timeout: 300_000 }, async () => {
    const early = await cli('neurons verify --layer substrate');
    const signals = await cli('neurons test-signals --samples 10');

    expect(early.code).toBe(6);
    expect(early.out).toMatch(/^substrate .* no$/m);
    expect(signals).toMatchObject({ code: 9 });
    expect(signals.err).toContain('neurons verify');
  });

  test('are copied, verified bottom up and published', { timeout: 300_000 }, async () => {
    expect((await cli('state migrate --category neuron-states')).code).toBe(0);

    expect((await cli('neurons verify --layer protocol')).err).toContain('before the layer substrate');
    for (const layer of ['substrate', 'protocol', 'cognitive', 'orchestration', 'intelligence']) {
      const { code, out } = await cli(`neurons verify --layer ${layer}`);
      expect(code).toBe(0);
      expect(out).toMatch(new RegExp(`^${layer} .* yes$`, 'm'));
    }
  });

  test('keep no connection without its ends', { timeout: 300_000 }, async () => {
    execute(
      `UPDATE flat_connections SET target = 'nobody' WHERE id = (SELECT min(id) FROM flat_connections)`,
    );

    const found = await cli('neurons validate-connections');
    const wish = await cli('neurons validate-connections --fix-orphaned --dry-run');
    const fixed = await cli('neurons validate-connections --deep --fix-orphaned');
    const again = await json('neurons validate-connections --deep');

    expect(found.code).toBe(6);
    expect(wish.out).toContain('would take 1 connections out');
    expect(fixed.err).toContain('1 were taken out; their rows are in quarantine.');
    expect(again).toMatchObject({ edges: { orphaned: 0, unverified: 0, misnamed: 0 } });
    expect((await cli('state quarantine list --category neuron-states')).out).toContain('OrphanedEdge');
  });

  test('pass signals along the same paths', { timeout: 300_000 }, async () => {
    const { code, out } = await cli('neurons test-signals --samples 50 --verify-paths');

    expect(code).toBe(0);
    expect(out).toMatch(/^50 of 50 signals took the same path in both systems, over [1-9]/);
  });
});

describe('what both systems have learned', () => {
  test('differs before the copy, and not after it', { timeout: 300_000 }, async () => {
    const early = await cli('learning test --patterns 5');
    expect((await cli('state migrate --category learning-data')).code).toBe(0);
    const patterns = await cli('learning test --patterns 100 --compare-systems');
    const gradients = await json('learning verify-gradients --sample-size 1000');

    expect(early.code).toBe(6);
    expect(patterns.code).toBe(0);
    expect(patterns.out).toMatch(/^([1-9]\d*) of \1 patterns give the same answer in both systems/);
    expect(gradients).toMatchObject({ comparison: 'gradient', differing: 0 });
    expect(gradients['compared']).toBeGreaterThan(0);
  });
});
