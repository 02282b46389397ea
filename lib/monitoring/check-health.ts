import type { Clock } from '../kernel/clock.ts';
import type { MetricSink } from '../kernel/metric-sink.ts';
import { metricNames, type MeasuredSystem } from './metric-names.ts';
import type { HealthProbe } from './ports.ts';

export interface CheckHealthDeps {
  readonly probe: HealthProbe;
  readonly metrics: MetricSink;
  readonly clock: Clock;
}

export type HealthReport = Readonly<Record<MeasuredSystem, { healthy: boolean; detail: string }>>;

/** Asks both systems at the same time and records 1 for a failed check, 0 for a passed one. */
export async function checkHealth(deps: CheckHealthDeps): Promise<HealthReport> {
  const [flat, hierarchical] = await Promise.all([
    deps.probe.check('flat'),
    deps.probe.check('hierarchical'),
  ]);
  const atMs = deps.clock.nowMs();
  const metric = (system: MeasuredSystem, healthy: boolean) =>
    ({
      name: metricNames.healthCheckFailed,
      unit: 'Count',
      system,
      atMs,
      values: [healthy ? 0 : 1],
      counts: [1],
    }) as const;
  await deps.metrics.put([metric('flat', flat.healthy), metric('hierarchical', hierarchical.healthy)]);
  return { flat, hierarchical };
}
