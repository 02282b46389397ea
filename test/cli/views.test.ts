import { stripVTControlCharacters } from 'node:util';

import { describe, expect, test } from 'vitest';

import { attemptTable, checkLines, gateLines, statusLines } from '../../cli/output/control-views.ts';
import {
  copyLine,
  statusTable,
  verificationTable,
  verificationVerdict,
} from '../../cli/output/state-views.ts';
import { changeLogLines } from '../../cli/output/mode-views.ts';
import { hanging } from '../../cli/output/wrap.ts';
import { hal9Categories as categories } from '../../lib/migration/hal9-definition.ts';
import type { CategoryStatus } from '../../lib/migration/state-status.ts';
import { emptyReport, type VerificationReport } from '../../lib/migration/verification-report.ts';
import type { MigrationStatus } from '../../lib/orchestrator/operations/read-status.ts';
import { planAll } from '../../lib/orchestrator/plan.ts';
import { profiles } from '../../lib/orchestrator/profiles.ts';
import type { RunRecord } from '../../lib/orchestrator/run.ts';

const atMs = Date.parse('2026-03-01T09:30:00Z');

const run: RunRecord = {
  runId: 'run-20260301-093000-4f2a',
  revision: 7,
  routingEpoch: 3,
  planHash: 'abc',
  profile: 'conservative',
  steps: planAll(profiles.conservative).steps,
  stepIndex: 5,
  phase: 'state-migration',
  status: 'held',
  startedBy: 'ann',
  startedAtMs: atMs,
  endedAtMs: null,
  stepEnteredAtMs: atMs,
  waitedSeconds: 0,
  decision: null,
  judged: [
    { gate: 'health-checks', outcome: { kind: 'passed' }, evidence: [] },
    {
      gate: 'state-moved',
      outcome: {
        kind: 'no-data',
        why: '12,345 of 20,000 rows are copied, and the change log is 1,200 entries behind what the writers do',
      },
      evidence: [],
    },
  ],
  statePhase: null,
  attempts: [
    { phase: 'shadow', stepId: 'shadow', outcome: 'passed', startedAtMs: atMs, endedAtMs: atMs + 86_400_000 },
    {
      phase: 'canary',
      stepId: 'canary-5',
      outcome: 'running',
      startedAtMs: atMs + 90_000_000,
      endedAtMs: null,
    },
  ],
  rollbacks: [],
  reason: 'the gate state-moved had no evidence for longer than a week',
  executionCount: 2,
};

const status: MigrationStatus = {
  phase: 'state-migration',
  phaseTitle: 'State migration',
  run,
  flags: {
    version: 4,
    routingEpoch: 3,
    trafficThousandths: 50_000,
    killSwitch: true,
    hierarchicalEnabled: true,
    shadowEnabled: true,
  },
  routes: null,
  alarms: [
    {
      name: 'hal9-migrate-hierarchical-error-rate',
      state: 'ALARM',
      actionsEnabled: true,
      changedAtMs: atMs,
      reason: '',
    },
  ],
};

function categoryStatus(category: CategoryStatus['category'], more: Partial<CategoryStatus>): CategoryStatus {
  return {
    category,
    authority: { epoch: 1, state: 'open' },
    switch: null,
    rows: 120_000,
    backfill: {
      plannedRanges: 120,
      completeRanges: 60,
      complete: false,
      counts: { read: 60_000, written: 60_000, kept: 0, quarantined: 0 },
    },
    relay: { appliedThrough: 1_000, lastSequence: 2_234, openBatches: 2 },
    reversePending: 0,
    quarantined: 3,
    ...more,
  };
}

function expectToFit(text: string): void {
  expect(text.split('\n').filter((line) => stripVTControlCharacters(line).length > 80)).toEqual([]);
}

function golden(text: string): string {
  expectToFit(text);
  return `\n${stripVTControlCharacters(text)}\n`;
}

describe('what people read fits into 80 columns', () => {
  test('status of a migration that stands still', () => {
    expect(golden(statusLines(status).join('\n'))).toMatchInlineSnapshot(`
      "
      ● shadow ─ ● canary ─ ◉ state-migration ─ ○ ramp-up ─ ○ full

      traffic  ░░░░░░░░░░░░░░░░░░░░  0 % hierarchical, 100 % flat
      shadow   comparing
      run      held at state-migration (6 of 13, profile conservative): the gate
               state-moved had no evidence for longer than a week
      alarms   hal9-migrate-hierarchical-error-rate
      kill switch set: everybody is on flat
      "
    `);
  });

  test('gates', () => {
    expect(golden(gateLines(run.judged).join('\n'))).toMatchInlineSnapshot(`
      "
        ✓ health-checks
        … state-moved: 12,345 of 20,000 rows are copied, and the change log is 1,200
          entries behind what the writers do
      "
    `);
  });

  test('attempts', () => {
    expect(golden(attemptTable(run))).toMatchInlineSnapshot(`
      "
      STEP      OUTCOME  STARTED                 TOOK
      shadow    passed   2026-03-01T09:30:00  24h 00m
      canary-5  running  2026-03-02T10:30:00
      "
    `);
  });

  test('checks with remedies', () => {
    const checks = [
      { name: 'control-table', result: 'pass', detail: 'no migration is running', remedy: null },
      { name: 'routes', result: 'warn', detail: 'not published yet', remedy: 'wait a minute' },
      {
        name: 'source',
        result: 'fail',
        detail:
          'The flat store /srv/hal9/flat.sqlite cannot be migrated: table flat_users is missing; column flat_neurons.layer is missing.',
        remedy: 'Bring the store to the schema of docs/concepts/flat-schema.md, then run the command again.',
      },
    ] as const;

    expect(golden(checkLines(checks).join('\n'))).toMatchInlineSnapshot(`
      "
      ✓ control-table        no migration is running
      ! routes               not published yet
                             wait a minute
      ✗ source               The flat store /srv/hal9/flat.sqlite cannot be migrated:
                             table flat_users is missing; column flat_neurons.layer is
                             missing.
                             Bring the store to the schema of
                             docs/concepts/flat-schema.md, then run the command again.
      "
    `);
  });

  test('categories, also while authority moves', () => {
    const statuses = [
      categoryStatus('user-sessions', { authority: { epoch: 12, state: 'following' }, reversePending: 99 }),
      categoryStatus('neuron-states', {
        switch: {
          category: 'neuron-states',
          to: 'hierarchical',
          stage: 'draining',
        } as CategoryStatus['switch'],
      }),
      categoryStatus('metadata', {
        backfill: {
          plannedRanges: 0,
          completeRanges: 0,
          complete: true,
          counts: { read: 0, written: 0, kept: 0, quarantined: 0 },
        },
      }),
    ];

    expect(golden(statusTable(statuses))).toMatchInlineSnapshot(`
      "
      CATEGORY       AUTHORITY                     ROWS  COPIED    LAG  TO FLAT  QUAR.
      user-sessions  hierarchical #12           120,000    50 %  1,234       99      3
      neuron-states  → hierarchical (draining)  120,000    50 %  1,234        0      3
      metadata       flat #1                    120,000       -  1,234        0      3
      "
    `);
  });

  test('verification of a large store', () => {
    const counts = {
      total: 150_000,
      verified: 149_990,
      mismatches: 1,
      missing: 2,
      extra: 3,
      quarantined: 4,
      tombstoned: 0,
      pending: 0,
    };
    const report: VerificationReport = {
      ...emptyReport(atMs),
      outcome: 'differences',
      scanned: { rows: 749_950, records: 750_000 },
      canary: { planted: 5, found: 5 },
      byCategory: Object.fromEntries(categories.map((name) => [name, counts])),
    };

    expect(golden(verificationTable(report))).toMatchInlineSnapshot(`
      "
      CATEGORY         TOTAL  VERIFIED  MISMATCH  MISSING  EXTRA  QUAR.  TOMB.  PEND.
      user-sessions  150,000   149,990         1        2      3      4      0      0
      neuron-states  150,000   149,990         1        2      3      4      0      0
      learning-data  150,000   149,990         1        2      3      4      0      0
      configuration  150,000   149,990         1        2      3      4      0      0
      metadata       150,000   149,990         1        2      3      4      0      0
      total          750,000   749,950         5       10     15     20      0      0
      "
    `);
    expect(stripVTControlCharacters(verificationVerdict(report))).toBe(
      'The two sides differ: 749,950 rows and 750,000 records compared, 5 of 5 planted differences found.',
    );
  });

  test('progress of a copy', () => {
    const progress = { rows: 200_000, copiedRows: 123_456, quarantined: 0, complete: false, lagEntries: 0 };

    expect(golden(copyLine(progress, 12_345))).toMatchInlineSnapshot(`
      "
      ███████████████░░░░░░░░░   61 %  123,456 of 200,000 rows  12,345/s  ETA 6s
      "
    `);
    expect(golden(copyLine({ ...progress, rows: 0, copiedRows: 0 }, 0))).toMatchInlineSnapshot(`
      "
      ████████████████████████  100 %  0 of 0 rows  0/s
      "
    `);
  });
});

test('words are never cut, only lines', () => {
  expect(hanging('a  ', 'one two three', 10)).toEqual(['a  one two', '   three']);
  expect(hanging('a  ', '/a/path/that/is/wide and more', 10)).toEqual([
    'a  /a/path/that/is/wide',
    '   and',
    '   more',
  ]);
  expect(hanging('a  ', '', 10)).toEqual(['a  ']);
});

describe('what is said of the change log', () => {
  const heldLog = { slot: 'hal9_migrate_1', heldBytes: 12e6, roomBytes: 88e6, isLost: false };

  test.each([
    ['nothing where the server keeps nothing', { heldLog: null, logGaps: [] }, []],
    [
      'how much the server keeps',
      { heldLog, logGaps: [] },
      ['Write-ahead log: 12.0 MB kept by slot hal9_migrate_1, room for 88.0 MB more'],
    ],
    [
      'that it is lost, and what to do',
      { heldLog: { ...heldLog, isLost: true }, logGaps: [] },
      [
        'Write-ahead log: slot hal9_migrate_1 is lost: changes that were not read yet are gone',
        '  hal9-migrate state migrate puts up a new slot and logs every row once more',
      ],
    ],
    [
      'where deletions may be missing since',
      { heldLog: null, logGaps: ['metadata'] },
      [
        'Deletions may be missing: metadata had no change log for a while',
        '  hal9-migrate reconcile --full --fix-mode auto compares everything and mends it',
      ],
    ],
  ])('%s', (_name, description, lines) => {
    expect(changeLogLines(description).map(stripVTControlCharacters)).toEqual(lines);
  });
});
