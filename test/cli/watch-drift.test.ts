import { describe, expect, test } from 'vitest';

import { judgeLook, watchDrift, type Look, type WatchDeps } from '../../cli/state/watch-drift.ts';
import { defaultSettings } from '../../lib/migration/settings.ts';
import { concludeReport, countVerdicts, emptyReport } from '../../lib/migration/verification-report.ts';

const settings = {
  ...defaultSettings,
  reconciliation: { ...defaultSettings.reconciliation, alertThreshold: 0.1 },
};

function aComparison(verdicts: readonly ('verified' | 'mismatch')[], planted = 1) {
  const judged = verdicts.map((verdict, at) => ({ key: { recordType: 'session', id: String(at) }, verdict }));
  const report = { ...emptyReport(0), canary: { planted, found: planted } };
  return concludeReport(countVerdicts(report, 'user-sessions', judged), 5_000);
}

const nine = Array<'verified'>(9).fill('verified');

describe('a look', () => {
  test('is calm while fewer records differ than the threshold says', () => {
    const look = judgeLook(aComparison([...nine, ...nine, 'mismatch']), { categories: [], settings }, []);

    expect(look).toMatchObject({ records: 19, verified: 18, differing: 1, alerts: [] });
  });

  test.each([
    ['drift at the threshold', aComparison([...nine, 'mismatch']), 'OK', '1 records differ'],
    ['a comparison that proved nothing', aComparison(nine, 0), 'OK', 'proved nothing'],
    ['a red alarm', aComparison(nine), 'ALARM', 'the alarm state-drift is red'],
  ] as const)('alerts to %s', (_what, report, state, expected) => {
    const alarm = { name: 'state-drift', state, actionsEnabled: true, changedAtMs: 0, reason: '' };

    const { alerts } = judgeLook(report, { categories: [], settings }, [alarm]);

    expect(alerts).toEqual([expect.stringContaining(expected)]);
  });
});

/** Looks that come one after the other, on a clock that only the pauses move. */
async function watch(
  looks: readonly (readonly string[] | Error)[],
  request = { durationMs: 20, intervalMs: 10 },
) {
  let nowMs = 0;
  const pauses: number[] = [];
  const seen: unknown[] = [];
  const left = [...looks];
  const deps: WatchDeps = {
    look: async () => {
      const next = left.shift();
      if (next instanceof Error) throw next;
      return { alerts: next ?? [] } as unknown as Look;
    },
    nowMs: () => nowMs,
    sleep: async (waitMs) => {
      pauses.push(waitMs);
      nowMs += waitMs;
    },
    onLook: (look) => seen.push('fault' in look ? look.fault : look.alerts),
  };
  return { summary: await watchDrift(deps, request), pauses, seen };
}

describe('a watch', () => {
  test('looks at its beginning, in each interval, and at its end', async () => {
    const { summary, pauses } = await watch([], { durationMs: 25, intervalMs: 10 });

    expect(pauses).toEqual([10, 10, 5]);
    expect(summary).toEqual({ looks: 4, failedLooks: 0, alerted: 0, sound: true });
  });

  test('remembers an alert that is over', async () => {
    const { summary } = await watch([[], ['drift'], []]);

    expect(summary).toMatchObject({ alerted: 1, sound: false });
  });

  test('outlives a look that fails, but does not call it sound when the last one did', async () => {
    const outage = new Error('unreachable');

    expect((await watch([[], outage, []])).summary).toMatchObject({ failedLooks: 1, sound: true });
    expect((await watch([[], [], outage])).summary).toMatchObject({ failedLooks: 1, sound: false });
  });

  test('ends with the fault of its first look', async () => {
    await expect(watch([new Error('not deployed')])).rejects.toThrow('not deployed');
  });
});
