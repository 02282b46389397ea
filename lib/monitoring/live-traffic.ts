import { metricNames, type MeasuredSystem } from './metric-names.ts';
import type { MetricQuery, MetricReader } from './ports.ts';

const queries = (['flat', 'hierarchical'] as const satisfies readonly MeasuredSystem[]).map(
  (system): MetricQuery => ({ id: system, metric: metricNames.requests, system, statistic: 'Sum' }),
);

/** Requests of both systems, as the edge counted them. */
export function makeLiveTraffic(metrics: MetricReader) {
  return {
    async requestsBetween(startMs: number, endMs: number): Promise<number | null> {
      const readings = await metrics.read(queries, { startMs, endMs });
      const values = queries.flatMap(({ id }) => readings.get(id)?.value ?? []);
      return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
    },
  };
}
