import type { Metric, MetricSink } from '../kernel/metric-sink.ts';

export interface CollectedMetrics extends MetricSink {
  readonly metrics: readonly Metric[];
  /** Sum of values times counts of one metric, over all systems unless one is named. */
  sum(name: string, system?: Metric['system']): number;
}

/** Metrics in memory. */
export function makeMetricSink(): CollectedMetrics {
  const metrics: Metric[] = [];
  return {
    metrics,
    async put(more) {
      metrics.push(...more);
    },
    sum(name, system) {
      return metrics
        .filter((metric) => metric.name === name && (system === undefined || metric.system === system))
        .flatMap((metric) => metric.values.map((value, index) => value * (metric.counts[index] ?? 0)))
        .reduce((total, value) => total + value, 0);
    },
  };
}
