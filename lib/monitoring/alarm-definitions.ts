import type { SourceConfig } from '../config/source-config.ts';
import { highHeldLogPercent } from '../migration/held-log.ts';
import type { AlarmRule, Profile } from '../orchestrator/profiles.ts';
import { metricNames, type MeasuredSystem, type MetricName } from './metric-names.ts';

export interface AlarmMetric {
  /** Name of the series in `expression`. */
  readonly id: string;
  readonly metric: MetricName;
  readonly system: MeasuredSystem;
  readonly statistic: 'Sum' | 'p50' | 'p99' | 'Minimum' | 'Maximum';
}

/** An alarm as data: the CDK app builds it, the docs describe it, a test finds its runbook. */
export interface AlarmDefinition {
  /** Last part of the alarm's name and of its metric expression. */
  readonly slug: string;
  /** `docs/runbooks/<runbook>.md`. */
  readonly runbook: string;
  readonly severity: 'critical' | 'warning';
  readonly description: string;
  /** Whether the alarm calls the rollback by itself. */
  readonly rollsBack: boolean;
  readonly metrics: readonly AlarmMetric[];
  /** CloudWatch metric math over the ids of `metrics`; the alarm watches its result. */
  readonly expression: { readonly id: string; readonly text: string; readonly label: string };
  readonly comparison: 'GreaterThanThreshold' | 'GreaterThanOrEqualToThreshold';
  readonly threshold: number;
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  /** Requests a period must hold to count. */
  readonly minSamples: number;
  readonly treatMissingData: 'notBreaching' | 'breaching' | 'missing';
  readonly treatMissingDataBecause: string;
}

const periodSeconds = 60;
/** A rollback for latency needs this multiple of the flat system's in the same minutes. */
const relativeLatency = 2;
const noRequestsNoFault = 'no requests are no failed requests: the share may be zero';

/**
 * Every alarm of a profile over a source of one kind. Several rules of one kind are several alarms: slow and mild, fast
 * and hard.
 */
export function alarmDefinitions(
  profile: Profile,
  sourceKind: SourceConfig['kind'],
): readonly AlarmDefinition[] {
  const { rollBack } = profile;
  return [
    ...rollBack.errorRate.map((rule, index) => errorRateAlarm(rule, suffix(index))),
    ...rollBack.latencyP99Ms.map((rule, index) => latencyAlarm('p99', rule, suffix(index))),
    ...rollBack.latencyP50Ms.map((rule, index) => latencyAlarm('p50', rule, suffix(index))),
    healthAlarm('hierarchical', rollBack.failedHealthChecks),
    healthAlarm('flat', rollBack.failedHealthChecks),
    driftAlarm(),
    ...(sourceKind === 'postgres' ? [heldLogAlarm()] : []),
  ];
}

/** The name by which the alarm is found again; `prefix` as in `resourceNames`. */
export function alarmName(prefix: string, slug: string): string {
  return `${prefix}-migrate-${slug}`;
}

/** True for the alarms that call the rollback, told by their names. */
export function isRollbackAlarm(name: string): boolean {
  return /-migrate-hierarchical-/.test(name);
}

function suffix(index: number): string {
  return index === 0 ? '' : '-emergency';
}

function errorRateAlarm(rule: AlarmRule, suffix: string): AlarmDefinition {
  return {
    slug: `hierarchical-error-rate${suffix}`,
    runbook: 'hierarchical-error-rate',
    severity: 'critical',
    description: `More than ${rule.limit * 100} % of the hierarchical system's requests fail.`,
    rollsBack: true,
    metrics: [
      { id: 'errors', metric: metricNames.errors, system: 'hierarchical', statistic: 'Sum' },
      { id: 'requests', metric: metricNames.requests, system: 'hierarchical', statistic: 'Sum' },
    ],
    expression: {
      id: 'rate',
      text: `IF(requests >= ${rule.minSamples}, errors / requests, 0)`,
      label: 'Error rate',
    },
    comparison: 'GreaterThanThreshold',
    threshold: rule.limit,
    ...timing(rule),
    treatMissingData: 'notBreaching',
    treatMissingDataBecause: noRequestsNoFault,
  };
}

function latencyAlarm(statistic: 'p99' | 'p50', rule: AlarmRule, suffix: string): AlarmDefinition {
  return {
    slug: `hierarchical-latency-${statistic}${suffix}`,
    runbook: 'hierarchical-latency',
    severity: 'critical',
    description: `The hierarchical system's ${statistic} is above ${rule.limit} ms and twice the flat system's.`,
    rollsBack: true,
    metrics: [
      { id: 'latency', metric: metricNames.latency, system: 'hierarchical', statistic },
      { id: 'baseline', metric: metricNames.latency, system: 'flat', statistic },
      { id: 'requests', metric: metricNames.requests, system: 'hierarchical', statistic: 'Sum' },
    ],
    expression: {
      id: 'judged',
      // Slow together is a shared cause, which going back would not cure. Without flat requests the limit alone counts.
      text: `IF((requests >= ${rule.minSamples}) * (latency > ${relativeLatency} * FILL(baseline, 0)), latency, 0)`,
      label: `Latency ${statistic}`,
    },
    comparison: 'GreaterThanThreshold',
    threshold: rule.limit,
    ...timing(rule),
    treatMissingData: 'notBreaching',
    treatMissingDataBecause: noRequestsNoFault,
  };
}

function healthAlarm(system: MeasuredSystem, failures: number): AlarmDefinition {
  return {
    slug: `${system}-health-checks`,
    runbook: `${system}-health-checks`,
    severity: 'critical',
    description: `${failures} health checks of the ${system} system failed in a row.`,
    // There is nowhere better to go when flat itself is ill: people decide.
    rollsBack: system === 'hierarchical',
    metrics: [{ id: 'failed', metric: metricNames.healthCheckFailed, system, statistic: 'Minimum' }],
    expression: { id: 'down', text: 'failed', label: 'Failed health checks' },
    comparison: 'GreaterThanOrEqualToThreshold',
    threshold: 1,
    periodSeconds,
    evaluationPeriods: failures,
    datapointsToAlarm: failures,
    minSamples: 1,
    treatMissingData: 'missing',
    treatMissingDataBecause:
      'checks that stopped say nothing about the system: INSUFFICIENT_DATA keeps every gate closed',
  };
}

function driftAlarm(): AlarmDefinition {
  return {
    slug: 'state-drift',
    runbook: 'state-drift',
    severity: 'critical',
    description: 'The share of records that differ between both sides reached the alert threshold.',
    // The authority has the right content, whatever its follower holds: nobody reads the follower.
    rollsBack: false,
    metrics: [{ id: 'drift', metric: metricNames.stateDrift, system: 'hierarchical', statistic: 'Sum' }],
    expression: { id: 'drifted', text: 'drift', label: 'Comparisons above the alert threshold' },
    comparison: 'GreaterThanOrEqualToThreshold',
    threshold: 1,
    periodSeconds,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    minSamples: 1,
    treatMissingData: 'notBreaching',
    treatMissingDataBecause: 'there is nothing to compare before the first copy is complete',
  };
}

function heldLogAlarm(): AlarmDefinition {
  return {
    slug: 'replication-slot',
    runbook: 'replication-slot',
    severity: 'critical',
    description: `The flat store keeps more than ${highHeldLogPercent} % of the log that it may keep for the migration, or gave it up.`,
    // Going back would not have the log read.
    rollsBack: false,
    metrics: [{ id: 'held', metric: metricNames.heldLogShare, system: 'flat', statistic: 'Maximum' }],
    expression: { id: 'kept', text: 'held', label: 'Log kept, percent of the most' },
    comparison: 'GreaterThanOrEqualToThreshold',
    threshold: highHeldLogPercent,
    periodSeconds,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    minSamples: 1,
    treatMissingData: 'missing',
    treatMissingDataBecause:
      'the relay says it each minute: when it is silent nobody reads the log, which grows all the same',
  };
}

function timing(rule: AlarmRule) {
  return {
    periodSeconds,
    evaluationPeriods: rule.periods,
    datapointsToAlarm: rule.periods,
    minSamples: rule.minSamples,
  };
}
