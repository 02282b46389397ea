import type { WireObject } from '../ports.ts';
import type { InputReader } from '../wire-input.ts';
import { readInput } from '../wire-input.ts';
import { lowerBounds } from './expression.ts';
import type { MetricQuery } from './metric-query.ts';
import { invalidParameter, knownStatistic, readDimensions, readQueries } from './metric-query.ts';
import { isPercentile } from './sample-set.ts';

type MissingDataTreatment = 'missing' | 'ignore' | 'breaching' | 'notBreaching';

export interface AlarmDefinition {
  readonly name: string;
  readonly queries: readonly MetricQuery[];
  /** The query that is compared with the threshold. */
  readonly resultId: string;
  /** What a datapoint must rest on when time is compressed; none for alarms on reports of a schedule. */
  readonly evidence: Evidence | undefined;
  readonly periodMs: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly threshold: number;
  readonly comparison: string;
  readonly treatMissing: MissingDataTreatment;
  /** As it was put, for DescribeAlarms. */
  readonly wire: WireObject;
}

export interface Evidence {
  /** The query whose samples count. */
  readonly id: string;
  readonly leastSamples: number;
  /**
   * Whether the windows of successive datapoints may share samples. Not for percentiles: one outlier decides a high
   * percentile of a small window, and would decide every window that shares it.
   */
  readonly overlaps: boolean;
}

/** Compressed time never lets a rule judge fewer samples than this. */
const evidenceFloor = 100;
/** A percentile with fewer samples beyond it is the chance of a few requests: p99 of a hundred is their slowest. */
const samplesBeyondPercentile = 5;

export const comparisons: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

const treatments: readonly string[] = ['missing', 'ignore', 'breaching', 'notBreaching'];

/** Reads PutMetricAlarm; throws InvalidParameterValueException. */
export function readAlarmDefinition(wire: WireObject): AlarmDefinition {
  const input = readInput(wire, 'InvalidParameterValueException');
  const queries =
    input.list('Metrics').length > 0 ? readQueries(input.objects('Metrics')) : [readSingleMetric(input)];
  const evaluationPeriods = input.number('EvaluationPeriods');
  return {
    name: input.text('AlarmName'),
    queries,
    resultId: resultOf(queries),
    evidence: evidenceOf(queries),
    periodMs: periodOf(queries) * 1000,
    evaluationPeriods,
    datapointsToAlarm: readDatapoints(input, evaluationPeriods),
    threshold: input.number('Threshold'),
    comparison: readComparison(input),
    treatMissing: readTreatment(input),
    wire,
  };
}

function readSingleMetric(input: InputReader): MetricQuery {
  const statistic = input.optionalText('ExtendedStatistic') ?? input.text('Statistic');
  return {
    kind: 'statistic',
    id: 'm1',
    returned: true,
    metric: {
      namespace: input.text('Namespace'),
      name: input.text('MetricName'),
      dimensions: readDimensions(input.objects('Dimensions')),
    },
    statistic: knownStatistic(statistic),
    periodS: input.number('Period'),
  };
}

function resultOf(queries: readonly MetricQuery[]): string {
  const returned = queries.filter((query) => query.returned);
  const [result] = returned;
  if (result === undefined || returned.length > 1) {
    throw invalidParameter('exactly one of the metrics of an alarm must have ReturnData true');
  }
  return result.id;
}

function percentileFloor(statistic: string): number {
  const share = 1 - Number(statistic.slice(1)) / 100;
  return Math.max(evidenceFloor, Math.ceil(Number((samplesBeyondPercentile / share).toFixed(6))));
}

function evidenceOf(queries: readonly MetricQuery[]): Evidence | undefined {
  const statistics = queries.filter((query) => query.kind === 'statistic');
  const percentile = statistics.find((query) => isPercentile(query.statistic));
  const id = (statistics.find((query) => query.id === 'requests') ?? percentile)?.id;
  if (id === undefined) {
    return undefined;
  }
  // A rule that asks for more samples by itself would otherwise find its window too small for ever.
  const guards = queries.flatMap((query) =>
    query.kind === 'expression' ? lowerBounds(query.expression, id) : [],
  );
  const floor = percentile === undefined ? evidenceFloor : percentileFloor(percentile.statistic);
  return { id, leastSamples: Math.max(floor, ...guards), overlaps: percentile === undefined };
}

function periodOf(queries: readonly MetricQuery[]): number {
  const periods = new Set(
    queries.filter((query) => query.kind === 'statistic').map((query) => query.periodS),
  );
  const [period] = periods;
  if (period === undefined || periods.size > 1) {
    throw invalidParameter('the metrics of an alarm must have one and the same period');
  }
  if (![10, 20, 30].includes(period) && (period <= 0 || period % 60 !== 0)) {
    throw invalidParameter(`period ${period} is not 10, 20, 30 or a multiple of 60 seconds`);
  }
  return period;
}

function readDatapoints(input: InputReader, evaluationPeriods: number): number {
  const datapoints = input.optionalNumber('DatapointsToAlarm') ?? evaluationPeriods;
  if (evaluationPeriods < 1 || datapoints < 1 || datapoints > evaluationPeriods) {
    throw invalidParameter('DatapointsToAlarm must lie between 1 and EvaluationPeriods');
  }
  return datapoints;
}

function readComparison(input: InputReader): string {
  const comparison = input.text('ComparisonOperator');
  if (!Object.hasOwn(comparisons, comparison)) {
    throw invalidParameter(`comparison operator ${comparison} is not supported here`);
  }
  return comparison;
}

function readTreatment(input: InputReader): MissingDataTreatment {
  const treatment = input.optionalText('TreatMissingData') ?? 'missing';
  if (!treatments.includes(treatment)) {
    throw invalidParameter(`TreatMissingData must be one of ${treatments.join(', ')}`);
  }
  return treatment as MissingDataTreatment;
}
