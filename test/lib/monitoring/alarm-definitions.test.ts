import { expect, test } from 'vitest';

import { makeMetricSink } from '../../../lib/memory/metric-sink.ts';
import { alarmDefinitions, alarmName, isRollbackAlarm } from '../../../lib/monitoring/alarm-definitions.ts';
import { checkHealth } from '../../../lib/monitoring/check-health.ts';
import { metricNames } from '../../../lib/monitoring/metric-names.ts';
import { profiles } from '../../../lib/orchestrator/profiles.ts';
import { outcomeMetricNames } from '../../../lib/router/outcome-metrics.ts';

test('the guide profile alarms on 5 % errors, 50 ms and three failed checks', () => {
  const alarms = alarmDefinitions(profiles.guide, 'sqlite');

  expect(
    alarms.map(({ slug, threshold, evaluationPeriods }) => [slug, threshold, evaluationPeriods]),
  ).toEqual([
    ['hierarchical-error-rate', 0.05, 5],
    ['hierarchical-latency-p99', 50, 5],
    ['hierarchical-health-checks', 1, 3],
    ['flat-health-checks', 1, 3],
    ['state-drift', 1, 1],
  ]);
});

test('a server that keeps a log for the migration has an alarm more, which rolls nothing back', () => {
  const [alarm, ...others] = alarmDefinitions(profiles.guide, 'postgres').slice(
    alarmDefinitions(profiles.guide, 'sqlite').length,
  );

  expect(others).toEqual([]);
  expect(alarm).toMatchObject({ slug: 'replication-slot', threshold: 50, rollsBack: false });
});

test('every alarm of every profile has a unique name, a runbook, a reason for its missing data and known series', () => {
  for (const profile of Object.values(profiles)) {
    const alarms = alarmDefinitions(profile, 'postgres');
    expect(new Set(alarms.map(({ slug }) => slug)).size).toBe(alarms.length);
    for (const alarm of alarms) {
      expect(alarm.runbook).toMatch(/^[a-z0-9-]+$/);
      expect(alarm.treatMissingDataBecause.length).toBeGreaterThan(20);
      for (const { id } of alarm.metrics) expect(alarm.expression.text).toContain(id);
      expect(isRollbackAlarm(alarmName('hal9', alarm.slug))).toBe(alarm.rollsBack);
    }
  }
});

test('alarms and gates read the names that the outcomes are measured under', () => {
  expect(Object.values(metricNames)).toEqual(
    expect.arrayContaining([
      outcomeMetricNames.requests,
      outcomeMetricNames.errors,
      outcomeMetricNames.latency,
    ]),
  );
});

test('a health check records one for the ill system and zero for the other', async () => {
  const metrics = makeMetricSink();
  const probe = {
    check: async (system: string) => ({ healthy: system === 'flat', detail: 'status 503' }),
  };

  await checkHealth({ probe, metrics, clock: { nowMs: () => 1 } });

  expect(metrics.sum('HealthCheckFailed', 'flat')).toBe(0);
  expect(metrics.sum('HealthCheckFailed', 'hierarchical')).toBe(1);
});
