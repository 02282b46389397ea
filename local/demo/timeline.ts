import type { TrafficStats } from '../traffic/traffic-control.ts';

export interface TrafficSample {
  readonly atMs: number;
  readonly stats: TrafficStats;
}

/** What users have done, sampled over time on the clock of this machine. */
export interface Timeline {
  add(sample: TrafficSample): void;
  latest(): TrafficSample | undefined;
  /** At least so many writes were acknowledged between the two moments: samples outside of them do not count. */
  acknowledgedBetween(fromMs: number, toMs: number): number;
  /** When the hierarchical system answered its last request of the span; null when it answered none. */
  lastHierarchicalBetween(fromMs: number, toMs: number): number | null;
  /** The newest sample that is at least this old. */
  before(atMs: number): TrafficSample | undefined;
}

export function makeTimeline(): Timeline {
  const samples: TrafficSample[] = [];
  const between = (fromMs: number, toMs: number): TrafficSample[] =>
    samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  return {
    add: (sample) => void samples.push(sample),
    latest: () => samples.at(-1),
    acknowledgedBetween(fromMs, toMs) {
      const inside = between(fromMs, toMs);
      const first = inside[0]?.stats.acknowledgedWrites ?? 0;
      return (inside.at(-1)?.stats.acknowledgedWrites ?? first) - first;
    },
    lastHierarchicalBetween(fromMs, toMs) {
      const inside = between(fromMs, toMs);
      const last = inside.findLast(
        ({ stats }, index) =>
          index > 0 &&
          stats.bySystem.hierarchical.requests >
            (inside[index - 1]?.stats.bySystem.hierarchical.requests ?? 0),
      );
      return last?.atMs ?? null;
    },
    before: (atMs) => samples.findLast((sample) => sample.atMs <= atMs),
  };
}
