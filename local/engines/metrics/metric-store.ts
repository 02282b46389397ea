import type { SampleSet } from './sample-set.ts';
import { emptySet, mergeInto } from './sample-set.ts';

export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Samples of one resolution step, starting at `atMs`. */
export interface Slot {
  readonly atMs: number;
  readonly samples: SampleSet;
}

export interface MetricStore {
  add(metric: MetricName, atMs: number, samples: SampleSet): void;
  /** All samples in [fromMs, toMs). */
  between(metric: MetricName, fromMs: number, toMs: number): SampleSet;
  /** Slots that start before `beforeMs`, newest first. */
  newestFirst(metric: MetricName, beforeMs: number): Iterable<Slot>;
  list(): readonly MetricName[];
}

/** Single values are what costs memory; past this age only their summary stays. */
const valuesKeptMs = 60 * 60_000;
const slotsKeptMs = 3 * 60 * 60_000;
const pruneEverySlots = 60;

interface Series {
  readonly metric: MetricName;
  /** Ascending by time. */
  slots: Slot[];
  addedSincePrune: number;
}

export function makeMetricStore(resolutionMs: number, nowMs: () => number): MetricStore {
  const series = new Map<string, Series>();
  const find = (metric: MetricName): readonly Slot[] => series.get(seriesKey(metric))?.slots ?? [];

  return {
    add(metric, atMs, samples) {
      const key = seriesKey(metric);
      const known = series.get(key) ?? { metric, slots: [], addedSincePrune: 0 };
      series.set(key, known);
      const slot = slotAt(known, Math.floor(atMs / resolutionMs) * resolutionMs);
      mergeInto(slot.samples, samples);
      if (known.addedSincePrune >= pruneEverySlots) {
        prune(known, nowMs());
      }
    },
    between(metric, fromMs, toMs) {
      const merged = emptySet();
      for (const slot of backwards(find(metric), toMs)) {
        if (slot.atMs < fromMs) {
          break;
        }
        mergeInto(merged, slot.samples);
      }
      return merged;
    },
    newestFirst: (metric, beforeMs) => backwards(find(metric), beforeMs),
    list: () => [...series.values()].map((known) => known.metric),
  };
}

function seriesKey(metric: MetricName): string {
  const dimensions = Object.entries(metric.dimensions).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([metric.namespace, metric.name, dimensions]);
}

function slotAt(series: Series, atMs: number): Slot {
  let index = series.slots.length;
  while (index > 0 && (series.slots[index - 1]?.atMs ?? 0) > atMs) {
    index -= 1;
  }
  const before = series.slots[index - 1];
  if (before?.atMs === atMs) {
    return before;
  }
  const slot = { atMs, samples: emptySet() };
  series.slots.splice(index, 0, slot);
  series.addedSincePrune += 1;
  return slot;
}

function* backwards(slots: readonly Slot[], beforeMs: number): Generator<Slot> {
  for (let index = slots.length - 1; index >= 0; index -= 1) {
    const slot = slots[index];
    if (slot !== undefined && slot.atMs < beforeMs) {
      yield slot;
    }
  }
}

function prune(series: Series, nowMs: number): void {
  series.addedSincePrune = 0;
  series.slots = series.slots.filter((slot) => slot.atMs >= nowMs - slotsKeptMs);
  for (const slot of series.slots) {
    if (slot.atMs < nowMs - valuesKeptMs) {
      slot.samples.values.length = 0;
      slot.samples.counts.length = 0;
    }
  }
}
