import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { untilInterrupted } from '../../cli/interrupt.ts';
import { accessTable, comparisonLines } from '../../cli/output/benchmark-views.ts';
import { consistencyLines, totalLines } from '../../cli/output/consistency-views.ts';
import { stopLines } from '../../cli/output/limit-views.ts';
import { validationSummary } from '../../cli/output/validation-views.ts';
import { copyRate } from '../../cli/state/copy-rate.ts';
import { defaultSettings } from '../../lib/migration/settings.ts';
import { captured, onlyDocument } from './captured-cli.ts';

/** A data directory in which no cloud runs. */
const nowhere = mkdtempSync(join(tmpdir(), 'hal9-state-'));

describe('what is wrong with a command is said before anything is connected to', () => {
  test.each([
    ['state-migration', 'StopUnclear', 'Name one of them'],
    ['state-migration --stop --resume', 'StopUnclear', '--pause'],
    ['state fix', 'FixUnclear', '--dry-run'],
    ['state fix --auto --interactive', 'FixUnclear', '--dry-run'],
    ['phase complete canary', 'PhaseNotByHand', 'status --detailed'],
    ['phase complete sideways', 'UnknownPhase', 'state-migration'],
    ['mode job memory-clean', 'UnknownJob', 'memory-cleanup'],
    ['state migrate --filter active', 'FilterInvalid', 'active=true'],
    ['state migrate --priority urgent', 'BadOptionValue', 'high, normal, low'],
    ['state migrate --checkpoint-interval 10', 'BadOptionValue', 'at least 250'],
    ['state validate --tests continuty', 'UnknownTest', 'continuity'],
    ['state validate --latency-limit fast', 'BadOptionValue', '30s'],
    ['state verify --compare flat,cloud', 'BadOptionValue', 'hierarchical'],
    ['state diff --systems cloud', 'BadOptionValue', 'hierarchical'],
    ['state progress --watch --interval 0', 'BadOptionValue', 'above 0'],
    ['benchmark --operations delete', 'BadOptionValue', 'read, write, update'],
    ['benchmark --categories user-session', 'UnknownCategory', 'user-sessions'],
    ['benchmark --samples 1000', 'BadOptionValue', 'from 1 to 200'],
    ['benchmark --max-ratio 0', 'BadOptionValue', 'above 0'],
    ['configure state-migration --quarantine-limit some', 'BadOptionValue', 'at least 0'],
    ['configure state-migration --validation-mode loose', 'BadOptionValue', 'strict or lenient'],
  ])('%s', async (line, name, remedy) => {
    const { code, out, err } = await captured(`${line} --json --data ${nowhere}`);

    expect(code).toBe(2);
    expect(onlyDocument(out)).toMatchObject({ kind: 'Error', error: { name } });
    expect(err.split('\n').find((text) => text.startsWith('Remedy:')) ?? '').toContain(remedy);
  });
});

test.each([
  'state-migration --stop',
  'state fix --auto',
  'state diff',
  'state stats',
  'state progress --watch',
  'phase complete state-migration',
  'mode job memory-cleanup',
  'benchmark',
])('without a local cloud %s says so', async (line) => {
  const { code, err } = await captured(line, { HAL9_DATA: nowhere });

  expect(code).toBe(11);
  expect(err).toContain('Error: No local cloud runs in');
});

describe('Ctrl-C', () => {
  const goesOn = { what: 'The copy', watch: 'see it', stop: 'end it' };

  test('ends the watching at once and says how to stop the work itself', async () => {
    let watching = true;
    const watched = untilInterrupted(goesOn, async (signal) => {
      await sleep(60_000, undefined, { signal }).finally(() => (watching = false));
    });

    process.emit('SIGINT');

    await expect(watched).rejects.toMatchObject({
      name: 'Interrupted',
      message: 'The copy goes on without this command.',
      remedy: 'Stop it with `end it`; watch it with `see it`.',
      exit: 'interrupted',
    });
    await expect.poll(() => watching).toBe(false);
  });

  test('is nobody’s business again when the watching is over', async () => {
    const before = process.listenerCount('SIGINT');

    expect(await untilInterrupted(goesOn, () => Promise.resolve('done'))).toBe('done');

    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});

test('a rate counts from the first look, since what was there before took no time of this command', () => {
  const rate = copyRate();

  expect(rate({ copiedRows: 500 }, 1_000)).toBe(0);
  expect(rate({ copiedRows: 700 }, 3_000)).toBe(100);
});

const counts = {
  total: 200,
  verified: 200,
  mismatches: 0,
  missing: 0,
  extra: 0,
  quarantined: 0,
  tombstoned: 0,
  pending: 0,
};

describe('consistency in the words of a runbook', () => {
  test('is 100% only where every single record is the same', () => {
    const byCategory = {
      'user-sessions': { ...counts, total: 210, tombstoned: 10 },
      'neuron-states': { ...counts, total: 1_000_001, verified: 1_000_000, missing: 1 },
      'learning-data': { ...counts, quarantined: 1, verified: 199 },
      configuration: { ...counts, total: 3, verified: 0, tombstoned: 3 },
      metadata: counts,
    };

    expect(consistencyLines({ byCategory }, ['metadata'])).toEqual([
      expect.stringContaining('User Sessions: 100% consistent'),
      expect.stringMatching(/✗.*Neuron States: 99\.99% consistent \(1 missing\)/),
      // Known and kept apart: no difference, and a reason to look.
      expect.stringMatching(/!.*Learning Data: 99\.5% consistent \(1 in quarantine\)/),
      expect.stringContaining('Configuration: no records on either side'),
      expect.stringContaining('Metadata: not copied yet'),
    ]);
  });

  test('sums up what is alive', () => {
    const byCategory = { metadata: { ...counts, total: 1_234_577, verified: 1_234_567, tombstoned: 10 } };

    expect(totalLines({ byCategory })).toEqual([
      'Total Records: 1,234,567',
      'Verified: 1,234,567 (100%)',
      'Mismatches: 0',
      'Missing: 0',
      'Extra: 0',
    ]);
  });
});

test('a validation is summed up check by check, with the reason of what did not pass', () => {
  const lines = validationSummary([
    { name: 'schema', result: 'pass', detail: 'five tables', remedy: null },
    { name: 'integrity', result: 'pass', detail: 'no fault', remedy: null },
    { name: 'consistency', result: 'fail', detail: '3 missing', remedy: 'look' },
    { name: 'orders', result: 'pass', detail: 'all', remedy: null },
  ]);

  expect(lines).toEqual([
    expect.stringContaining('Data Integrity: 100%'),
    expect.stringContaining('State Consistency: 3 missing'),
    expect.stringContaining('Orders: Verified'),
  ]);
});

test('a benchmark says which side took how long, and which was not measured', () => {
  const flat = {
    system: 'flat',
    operation: 'read',
    category: 'metadata',
    count: 10,
    p50Ms: 0.5,
    p95Ms: 0.9,
    p99Ms: 1,
    perSecond: 1_500,
    skipped: null,
  } as const;

  expect(accessTable([flat])).toContain('metadata  read       flat    10    0.50    1.00  1,500');
  expect(comparisonLines([{ category: 'metadata', operation: 'read', ratio: 0.5 }])).toEqual([
    'read: hierarchical is as fast as flat or faster, 0.50x the time (median of 1 categories)',
  ]);
  expect(comparisonLines([{ category: 'metadata', operation: 'write', ratio: null }])).toEqual([
    'write: not comparable, one side was not measured',
  ]);
});

test('a stopped copy names who stopped it and why', () => {
  const copy = { stopped: true, by: 'ann', reason: 'flat is slow', sinceMs: 1 };

  expect(stopLines({ ...defaultSettings, copy })).toEqual(['stopped by ann: flat is slow']);
  expect(stopLines(defaultSettings)).toEqual([]);
});
