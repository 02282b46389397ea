/** One or many observations of one metric; resolution is one second. */
export interface Metric {
  readonly name: string;
  readonly unit: 'Count' | 'Milliseconds' | 'Bytes' | 'Percent';
  /** Value of the dimension `System`; absent for metrics of the migration as a whole. */
  readonly system?: 'flat' | 'hierarchical';
  readonly atMs: number;
  /** Distinct values and how often each was seen; both of one length, at least one. */
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

/** Where metrics go. Adapters: `lib/aws/metric-sink.ts`, `lib/memory/metric-sink.ts`. */
export interface MetricSink {
  /** Throws when not all of them were taken; a repetition may then count some twice. */
  put(metrics: readonly Metric[]): Promise<void>;
}

/** A metric with one value. */
export function countMetric(name: string, value: number, atMs: number): Metric {
  return { name, unit: 'Count', atMs, values: [value], counts: [1] };
}
