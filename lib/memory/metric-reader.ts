import type { Metric } from '../kernel/metric-sink.ts';
import type { MetricQuery, MetricReader, MetricReading } from '../monitoring/ports.ts';

/** Reads back from a list of metrics, exactly (CloudWatch estimates percentiles over several periods). */
export function makeMemoryMetricReader(metrics: readonly Metric[]): MetricReader {
  return {
    read: async (queries, window) => {
      const within = metrics.filter(({ atMs }) => atMs >= window.startMs && atMs < window.endMs);
      return new Map(queries.map((query) => [query.id, readingOf(query, within)]));
    },
  };
}

function readingOf(query: MetricQuery, metrics: readonly Metric[]): MetricReading {
  const matching = metrics.filter(({ name, system }) => name === query.metric && system === query.system);
  const values = matching.flatMap((metric) =>
    metric.values.flatMap((value, index) => Array.from({ length: metric.counts[index] ?? 0 }, () => value)),
  );
  const source = `memory ${query.statistic} of ${query.metric}`;
  if (values.length === 0) return { value: null, newestAtMs: null, source };
  return {
    value: statisticOf(query.statistic, values),
    newestAtMs: Math.max(...matching.map(({ atMs }) => atMs)),
    source,
  };
}

function statisticOf(statistic: MetricQuery['statistic'], values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  switch (statistic) {
    case 'Sum':
      return sum;
    case 'Average':
      return sum / values.length;
    case 'SampleCount':
      return values.length;
    case 'Maximum':
      return Math.max(...values);
    case 'p50':
      return percentileOf(values, 0.5);
    case 'p99':
      return percentileOf(values, 0.99);
    default:
      return statistic satisfies never;
  }
}

function percentileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
