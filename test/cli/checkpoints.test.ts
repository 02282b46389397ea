import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { cliCloud } from '../support/cli-cloud.ts';
import { onlyDocument } from './captured-cli.ts';

const { cli, json, execute, damagePart, start, stop } = cliCloud('checkpoints');

beforeAll(() => start('local up --detach --rate 0 --records 300', 'state migrate'), 300_000);

afterAll(stop, 60_000);

describe('the checkpoints of the state runbook, command by command', () => {
  test('a full backup is stored, read again, listed and exported', { timeout: 300_000 }, async () => {
    const made = await cli('state checkpoint --name pre-state-migration --full-backup --verify');
    const { checkpoints } = await json('state list-checkpoints');
    const manifest = await json('state export-manifest --checkpoint latest');

    expect(made.code).toBe(0);
    expect(made.out.trim()).toMatch(/^pre-state-migration-\d{8}-\d{6}$/);
    expect(made.err).toContain('The backup is what was written: 300 of 300 records');
    expect(checkpoints).toMatchObject([{ name: 'pre-state-migration', backup: { entries: 300 } }]);
    expect(manifest).toMatchObject({
      checkpoint: { hashes: [{ category: 'user-sessions' }, {}, {}, {}, {}] },
      backup: { definition: 'hal9', parts: expect.arrayContaining([]) as unknown[] },
    });
  });

  test(
    'a rollback of one category sets newer writes aside, from where they are replayed',
    {
      timeout: 300_000,
    },
    async () => {
      execute(`UPDATE flat_metadata SET resource = 'newer' WHERE seq = 2 AND kind = 'logs'`);

      const wish = 'state rollback --category metadata --to-checkpoint latest --preserve-others';
      const { counts: kept } = await json(wish);
      const { newerWrites, counts } = await json(`${wish} --newer quarantine`);
      const listed = await cli('state quarantine list --category metadata');
      const replayed = await json('state quarantine replay --category metadata');

      expect(kept).toMatchObject({ kept: 1, restored: 0 });
      expect(newerWrites).toEqual([{ category: 'metadata', writes: 1 }]);
      expect(counts).toMatchObject({ setAside: 1 });
      expect(listed.out).toContain('NewerThanCheckpoint');
      expect(replayed).toMatchObject({ counts: { replayed: 1, 'changed-since': 0 } });
    },
  );

  test(
    'a damaged part is found; recovery restores the rest and quarantines what is damaged',
    {
      timeout: 300_000,
    },
    async () => {
      damagePart('configuration');

      const verified = await cli('state verify-checkpoint');
      const recovered = await cli(
        'state recover --from-backup --validate-each --quarantine-corrupted --category configuration',
      );
      const { entries } = await json('state quarantine list --category configuration');

      expect(verified.code).toBe(6);
      expect(verified.err).toContain('The backup is damaged');
      expect(recovered.code).toBe(3);
      expect(recovered.out).toContain('pieces of the backup that cannot be read, in quarantine');
      expect(entries).toMatchObject([{ errorName: 'BackupRecordDamaged' }]);
    },
  );

  test(
    'validation names what is quarantined, which lenient accepts and strict does not',
    {
      timeout: 300_000,
    },
    async () => {
      const strict = await json('validate --phase state-migration --comprehensive --latency-limit 10s');
      const lenient = await cli('state validate --lenient --failed-only --latency-limit 10s');
      const { checks } = strict as { checks: { name: string; result: string; detail: string }[] };

      expect(strict).toMatchObject({ passed: false, mode: 'strict' });
      const failed = checks.filter(({ result }) => result === 'fail').map(({ name }) => name);
      expect(failed).toEqual(['integrity', 'quarantine']);
      // The generated store has connections to neurons that there are not.
      expect(checks.find(({ name }) => name === 'integrity')?.detail).toMatch(/^\d+ DanglingEdge; /);
      expect(checks.find(({ name }) => name === 'identity')?.detail).toMatch(
        /^300 = 297 verified \+ 3 quarantined \+ 0 tombstoned \+ 0 pending$/,
      );
      expect(lenient.code).toBe(0);
      expect(lenient.out).toContain('3 records are in quarantine');
    },
  );

  test.each([
    ['state restore --checkpoint never-made', 'CheckpointUnknown', 2],
    ['state quarantine show session/nobody', 'NotQuarantined', 2],
    ['state restore --newer drop', 'BadOptionValue', 2],
    ['validate --phase canary', 'PhaseHasNoValidation', 2],
  ])('%s is %s', async (line, name, code) => {
    const outcome = await cli(`${line} --json`);

    expect(outcome.code).toBe(code);
    expect(onlyDocument(outcome.out)).toMatchObject({ error: { name } });
  });

  test('a sweep leaves bodies of these days alone, dry or not', { timeout: 300_000 }, async () => {
    const dry = await json('state sweep-bodies --dry-run');
    const swept = await cli('state sweep-bodies');

    expect(dry).toMatchObject({ dryRun: true, old: { objects: 0 }, items: 0, deleted: { objects: 0 } });
    expect({ code: swept.code, out: swept.out }).toMatchObject({ code: 0 });
    expect(swept.out).toMatch(/^ +0 {2}deleted/m);
  });
});
