import {
  GetMetricDataCommand,
  type CloudWatchClient,
  type MetricDataQuery,
  type MetricDataResult,
} from '@aws-sdk/client-cloudwatch';

import { systemDimension } from '../monitoring/metric-names.ts';
import type { MetricQuery, MetricReader, MetricReading } from '../monitoring/ports.ts';

export interface MetricReaderDeps {
  readonly client: CloudWatchClient;
  readonly namespace: string;
}

interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

interface Points {
  readonly values: readonly number[];
  readonly timesMs: readonly number[];
}

/** Reads metrics back from CloudWatch. Periods lie inside the window: nothing from before it is counted. */
export function makeMetricReader({ client, namespace }: MetricReaderDeps): MetricReader {
  async function fetch(queries: readonly MetricQuery[], window: Window): Promise<Map<string, Points>> {
    const periodSeconds = periodFor(window);
    const StartTime = new Date(Math.ceil(window.startMs / (periodSeconds * 1000)) * periodSeconds * 1000);
    const EndTime = new Date(window.endMs);
    const results = new Map<string, Points>();
    if (EndTime <= StartTime) return results;
    let NextToken: string | undefined;
    do {
      const answer = await client.send(
        new GetMetricDataCommand({
          StartTime,
          EndTime,
          ScanBy: 'TimestampAscending',
          MetricDataQueries: queries.flatMap((query) => dataQueries(query, namespace, periodSeconds)),
          NextToken,
        }),
      );
      for (const result of answer.MetricDataResults ?? []) addPoints(results, result);
      NextToken = answer.NextToken;
    } while (NextToken !== undefined);
    return results;
  }

  return {
    async read(queries, window) {
      const points = await fetch(queries, window);
      return new Map(
        queries.map((query) => [query.id, readingOf(query, points, sourceOf(query, namespace))]),
      );
    },
  };
}

function sourceOf({ metric, system, statistic }: MetricQuery, namespace: string): string {
  return [namespace, metric, ...(system === undefined ? [] : [system]), statistic].join(' ');
}

const legalShortPeriods = [1, 5, 10, 30] as const;

/**
 * The finest period that keeps the answer small. CloudWatch keeps seconds for three hours, minutes for fifteen days and
 * five minutes for sixty-three days, so an older beginning needs a coarser period.
 */
function periodFor({ startMs, endMs }: Window): number {
  const seconds = (endMs - startMs) / 1000;
  const short = legalShortPeriods.find((period) => seconds <= period * 120);
  if (short !== undefined) return short;
  if (seconds <= 3 * 3600) return 60;
  return seconds <= 15 * 86_400 ? 300 : 3600;
}

const isPercentile = ({ statistic }: MetricQuery): boolean => statistic === 'p50' || statistic === 'p99';

function dataQueries(query: MetricQuery, namespace: string, Period: number): MetricDataQuery[] {
  const metric = {
    Namespace: namespace,
    MetricName: query.metric,
    Dimensions: query.system === undefined ? [] : [{ Name: systemDimension, Value: query.system }],
  };
  const one = (Id: string, Stat: string): MetricDataQuery => ({
    Id,
    MetricStat: { Metric: metric, Period, Stat },
    ReturnData: true,
  });
  const main = one(query.id, query.statistic);
  return isPercentile(query) ? [main, one(weightId(query), 'SampleCount')] : [main];
}

function weightId(query: MetricQuery): string {
  return `${query.id}_n`;
}

function addPoints(results: Map<string, Points>, result: MetricDataResult): void {
  const known = results.get(result.Id ?? '') ?? { values: [], timesMs: [] };
  results.set(result.Id ?? '', {
    values: [...known.values, ...(result.Values ?? [])],
    timesMs: [...known.timesMs, ...(result.Timestamps ?? []).map((time) => new Date(time).getTime())],
  });
}

function readingOf(query: MetricQuery, results: ReadonlyMap<string, Points>, source: string): MetricReading {
  const points = results.get(query.id);
  if (points === undefined || points.values.length === 0) return { value: null, newestAtMs: null, source };
  const newestAtMs = Math.max(...points.timesMs);
  return { value: combine(query, points, results.get(weightId(query))), newestAtMs, source };
}

function combine(query: MetricQuery, { values, timesMs }: Points, weights: Points | undefined): number {
  const sum = values.reduce((total, value) => total + value, 0);
  switch (query.statistic) {
    case 'Sum':
    case 'SampleCount':
      return sum;
    case 'Maximum':
      return Math.max(...values);
    case 'Average':
      return sum / values.length;
    case 'p50':
    case 'p99': {
      // Percentiles of periods do not add up; weighted by their samples they come near that of the whole window.
      const weightAt = new Map(weights?.timesMs.map((time, index) => [time, weights.values[index] ?? 0]));
      const weight = (index: number): number => weightAt.get(timesMs[index] ?? 0) ?? 1;
      const total = values.reduce((all, _value, index) => all + weight(index), 0);
      const weighted = values.reduce((all, value, index) => all + value * weight(index), 0);
      return total === 0 ? 0 : weighted / total;
    }
    default:
      return query.statistic satisfies never;
  }
}
