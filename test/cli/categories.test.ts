import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { cliCloud } from '../support/cli-cloud.ts';

const { root, cli, json, execute, start, stop } = cliCloud('categories');

beforeAll(async () => {
  await start('local up --detach --rate 0 --records 600');
  // A row that the generator damaged on purpose.
  execute(`DELETE FROM flat_metadata WHERE instr(CAST(actor AS BLOB), x'e9') > 0 AND actor LIKE 'caf%'`);
}, 300_000);

afterAll(stop, 60_000);

describe('the audit stream of the metadata', () => {
  test('is refused before it is copied', { timeout: 300_000 }, async () => {
    const refused = await cli('state audit');

    expect(refused.code).toBe(6);
    expect(refused.err).toContain('not copied yet');
  });

  test(
    'is sound after the copy, sealed by command, and shown with equal heads',
    { timeout: 300_000 },
    async () => {
      const migrated = await cli('state migrate');
      const planned = await json('state audit --seal --dry-run');
      const sealed = await json('state audit --seal');
      const shown = await cli('state audit');

      expect(migrated.code).toBe(0);
      expect(planned).toMatchObject({ outcome: 'sound', streams: [{ sealed: null }] });
      expect(sealed).toMatchObject({ outcome: 'sound', canary: { planted: 4, found: 4 } });
      const [{ flat, hierarchical, sealed: last }] = sealed['streams'] as [
        Record<'flat' | 'hierarchical' | 'sealed', unknown>,
      ];
      expect([hierarchical, last]).toEqual([flat, flat]);
      expect(shown.code).toBe(0);
      expect(shown.err).toContain('In order, without a gap, the same on both sides, and as it was sealed');
    },
  );

  test('is broken by a later edit, however properly it arrived', { timeout: 300_000 }, async () => {
    execute(`UPDATE flat_metadata SET actor = 'nobody' WHERE kind = 'audit' AND seq = 2`);
    // The edit has to be carried over first.
    await expect
      .poll(async () => (await json('state audit'))['outcome'], { timeout: 180_000, interval: 1_000 })
      .toBe('broken');
    const { findings } = await json('state audit');

    expect(findings).toContainEqual(expect.objectContaining({ fault: 'AuditAltered', side: 'flat' }));
  });
});

describe('the configuration section of the state runbook, command by command', () => {
  const output = join(root, 'config-backup.json');
  const report = join(root, 'config-diff.txt');

  test(
    'is exported, copied and made visible all at once, and is the same in all systems',
    { timeout: 300_000 },
    async () => {
      const exported = await cli(`config export --all --output ${output}`);
      const early = await cli('config test-reload --changes 10');
      const planned = await json('config publish --dry-run');
      const migrated = await json('state migrate --category configuration --atomic --verify-each');
      const compared = await cli(`config compare --system1 flat --system2 hierarchical --report ${report}`);
      const read = await json('config compare --system1 hierarchical --system2 edition');
      const { records } = JSON.parse(readFileSync(output, 'utf8')) as { records: unknown[] };

      expect(exported.code).toBe(0);
      expect(early.err).toContain('No edition of configuration was published yet');
      expect(planned).toMatchObject({ result: 'would-publish', edition: { number: 1 } });
      expect(migrated).toMatchObject({ editions: [{ number: 1, count: records.length }] });
      expect(compared.code).toBe(0);
      expect(readFileSync(report, 'utf8')).toMatch(/^Equal: \d+ records in flat, \d+ in hierarchical\.\n$/);
      expect(read).toMatchObject({ outcome: 'equal', left: records.length, right: records.length });
    },
  );

  test('is reloaded by the running system, all changes at once', { timeout: 300_000 }, async () => {
    const planned = await cli('config test-reload --changes 2 --dry-run');
    const test = await json('config test-reload --changes 10 --verify-application');

    expect(planned.out.trim().split('\n')).toHaveLength(2);
    expect(test).toMatchObject({ passed: true, changes: 10 });
    const reloads = test['reloads'] as { seen: unknown[]; applied: { seen: unknown[] } }[];
    expect(reloads.map(({ seen }) => seen)).toEqual([
      ['none', 1],
      [1, 2],
      [2, 'none'],
    ]);
    expect(reloads.map(({ applied }) => applied.seen.at(-1))).toEqual([1, 2, 'none']);
  });

  test('differs from what readers see until a change is published', { timeout: 300_000 }, async () => {
    execute(`UPDATE flat_config SET revision = 99 WHERE path = 'server_id'`);
    const before = await cli(`config compare --system1 edition --system2 flat --report ${report}`);
    const published = await json('config publish');
    const after = await cli('config compare --system1 edition --system2 flat');

    expect(before.code).toBe(6);
    expect(before.out).toContain('config/server|server_id: differs');
    expect(readFileSync(report, 'utf8')).toMatch(/revision: \d+ -> 99/);
    expect(published).toMatchObject({ result: 'published' });
    expect(after.code).toBe(0);
  });
});

describe('the sessions', () => {
  test(
    'are live after until the same instant as before, and those that are over stay so',
    { timeout: 300_000 },
    async () => {
      const { checks } = await json('state validate --category user-sessions --tests continuity');
      const sessions = (checks as { name: string; result: string; detail: string }[]).find(
        ({ name }) => name === 'sessions',
      );

      expect(sessions?.result).toBe('pass');
      expect(sessions?.detail).toMatch(
        /^\d+ are live on both sides until the same instant, \d+ are over on both/,
      );
    },
  );
});
