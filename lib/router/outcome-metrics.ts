import type { Metric } from '../kernel/metric-sink.ts';
import type { OutcomeRecord } from './outcome-record.ts';
import type { System } from './system.ts';

/** Names of the metrics per system; alarms, gates and dashboards use the same. */
export const outcomeMetricNames = {
  requests: 'Requests',
  errors: 'Errors',
  latency: 'LatencyMs',
  malformed: 'OutcomeMalformed',
} as const;

interface Second {
  readonly system: System;
  readonly atMs: number;
  requests: number;
  errors: number;
  readonly latencies: Map<number, number>;
}

/** Metrics of each system, second by second. A second without errors says so by a zero. */
export function summariseOutcomes(records: readonly OutcomeRecord[]): Metric[] {
  const seconds = new Map<string, Second>();
  for (const record of records) {
    const second = secondOf(record, seconds);
    second.requests += 1;
    if (isError(record)) second.errors += 1;
    const latency = roundLatency(record.latencyMs);
    second.latencies.set(latency, (second.latencies.get(latency) ?? 0) + 1);
  }
  return [...seconds.values()].flatMap(toMetrics);
}

/** The system's own failure: a 5xx, or no answer at all. */
function isError(record: OutcomeRecord): boolean {
  return record.status >= 500 || record.status === 0;
}

function secondOf(record: OutcomeRecord, seconds: Map<string, Second>): Second {
  const atMs = Math.floor(record.atMs / 1000) * 1000;
  const key = `${record.cohort}/${atMs}`;
  const known = seconds.get(key);
  if (known !== undefined) return known;
  const second: Second = { system: record.cohort, atMs, requests: 0, errors: 0, latencies: new Map() };
  seconds.set(key, second);
  return second;
}

/** Finer than a percentile needs, coarse enough that a busy second has few distinct values. */
function roundLatency(latencyMs: number): number {
  return latencyMs < 10 ? Math.round(latencyMs * 10) / 10 : Math.round(latencyMs);
}

function toMetrics(second: Second): Metric[] {
  const { system, atMs, requests, errors, latencies } = second;
  const counted = { unit: 'Count', system, atMs, counts: [1] } as const;
  const measured = [...latencies].toSorted(([left], [right]) => left - right);
  return [
    { ...counted, name: outcomeMetricNames.requests, values: [requests] },
    { ...counted, name: outcomeMetricNames.errors, values: [errors] },
    {
      name: outcomeMetricNames.latency,
      unit: 'Milliseconds',
      system,
      atMs,
      values: measured.map(([value]) => value),
      counts: measured.map(([, count]) => count),
    },
  ];
}
