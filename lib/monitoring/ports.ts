import type { MeasuredSystem, MetricName } from './metric-names.ts';

export interface MetricQuery {
  /** Name of the answer; unique within one read. */
  readonly id: string;
  readonly metric: MetricName;
  readonly system?: MeasuredSystem;
  readonly statistic: 'Sum' | 'Average' | 'Maximum' | 'SampleCount' | 'p50' | 'p99';
}

export interface MetricReading {
  /** null when the window holds no data: never to be read as zero. */
  readonly value: number | null;
  /** When the newest data point of the window begins; null without data. */
  readonly newestAtMs: number | null;
  /** Where the number comes from, for the evidence. */
  readonly source: string;
}

/** Reads back what was measured. Adapters: `lib/aws/metric-reader.ts`, `lib/memory/metric-reader.ts`. */
export interface MetricReader {
  /** One reading per query id over [startMs, endMs). */
  read(
    queries: readonly MetricQuery[],
    window: { readonly startMs: number; readonly endMs: number },
  ): Promise<ReadonlyMap<string, MetricReading>>;
}

export interface AlarmStatus {
  readonly name: string;
  readonly state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  /** false when somebody switched its actions off: the automatic rollback would not happen. */
  readonly actionsEnabled: boolean;
  readonly changedAtMs: number;
  readonly reason: string;
}

/** Adapters: `lib/aws/alarm-reader.ts`, `lib/memory/alarm-reader.ts`. */
export interface AlarmReader {
  /** The alarms of the migration by their name prefix. */
  list(): Promise<readonly AlarmStatus[]>;
}

/** Asks one system's health address. Adapter: `lib/aws/health-probe.ts`. */
export interface HealthProbe {
  /** Never throws: an unreachable system is unhealthy. */
  check(system: MeasuredSystem): Promise<{ readonly healthy: boolean; readonly detail: string }>;
}
