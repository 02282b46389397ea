import type { AlarmDefinition } from './alarm-definition.ts';
import { valueOver } from './metric-query.ts';
import type { MetricStore, Slot } from './metric-store.ts';

/** Newest first; undefined is a period without data. */
export type Datapoints = readonly (number | undefined)[];

export interface EvaluationTime {
  readonly nowMs: number;
  readonly timeScale: number;
  readonly minBucketMs: number;
  /** Samples from before it do not count. */
  readonly resetAtMs: number;
}

/** Compressed time never lets a rule judge fewer samples than this. */
const evidenceFloor = 100;

/** CloudWatch looks a little further back than the evaluation periods, to bridge gaps. */
const extraPeriods = 2;

export function datapointsOf(store: MetricStore, alarm: AlarmDefinition, time: EvaluationTime): Datapoints {
  if (time.timeScale <= 1) {
    return alignedPoints(store, alarm, time, {
      bucketMs: alarm.periodMs,
      buckets: alarm.evaluationPeriods + extraPeriods,
    });
  }
  const bucketMs = Math.max(time.minBucketMs, Math.round(alarm.periodMs / time.timeScale));
  return alarm.evidenceId === undefined
    ? latestPoints(store, alarm, time, bucketMs)
    : evidencePoints(store, alarm, time, { bucketMs, evidenceId: alarm.evidenceId });
}

function alignedPoints(
  store: MetricStore,
  alarm: AlarmDefinition,
  time: EvaluationTime,
  shape: { readonly bucketMs: number; readonly buckets: number },
): Datapoints {
  const endMs = Math.floor(time.nowMs / shape.bucketMs) * shape.bucketMs;
  const points: (number | undefined)[] = [];
  for (let index = 0; index < shape.buckets; index += 1) {
    const toMs = endMs - index * shape.bucketMs;
    points.push(pointOver(store, alarm, Math.max(toMs - shape.bucketMs, time.resetAtMs), toMs));
  }
  return points;
}

/** Reports arrive less evenly when time is compressed: take the last N that exist, from the span the unscaled rule covers. */
function latestPoints(
  store: MetricStore,
  alarm: AlarmDefinition,
  time: EvaluationTime,
  bucketMs: number,
): Datapoints {
  const span = Math.min(alarm.periodMs * alarm.evaluationPeriods, time.nowMs - time.resetAtMs);
  const buckets = Math.max(alarm.evaluationPeriods, Math.ceil(span / bucketMs));
  const points = alignedPoints(store, alarm, time, { bucketMs, buckets });
  const known = points.filter((point) => point !== undefined).slice(0, alarm.evaluationPeriods);
  return known.length === 0 ? points.slice(0, alarm.evaluationPeriods) : known;
}

/** Each point ends one compressed period before the one after it and reaches back until it holds enough samples. */
function evidencePoints(
  store: MetricStore,
  alarm: AlarmDefinition,
  time: EvaluationTime,
  shape: { readonly bucketMs: number; readonly evidenceId: string },
): Datapoints {
  const points: (number | undefined)[] = [];
  for (let index = 0; index < alarm.evaluationPeriods; index += 1) {
    const toMs = time.nowMs - index * shape.bucketMs;
    const fromMs = reachBack(store, alarm, shape.evidenceId, { toMs, notBeforeMs: time.resetAtMs });
    const start =
      fromMs === undefined ? undefined : Math.max(Math.min(fromMs, toMs - shape.bucketMs), time.resetAtMs);
    points.push(start === undefined ? undefined : pointOver(store, alarm, start, toMs));
  }
  return points;
}

/** Where the shortest span that ends at `toMs` and holds enough samples begins; undefined when there are not enough. */
function reachBack(
  store: MetricStore,
  alarm: AlarmDefinition,
  evidenceId: string,
  bounds: { readonly toMs: number; readonly notBeforeMs: number },
): number | undefined {
  const evidence = alarm.queries.find((query) => query.id === evidenceId);
  if (evidence?.kind !== 'statistic') {
    return undefined;
  }
  let held = 0;
  for (const slot of store.newestFirst(evidence.metric, bounds.toMs)) {
    if (slot.atMs < bounds.notBeforeMs) {
      return undefined;
    }
    held += samplesIn(slot, evidence.statistic);
    if (held >= evidenceFloor) {
      return slot.atMs;
    }
  }
  return undefined;
}

/** A counter put as one sum per second holds as many requests as its sum says. */
function samplesIn(slot: Slot, statistic: string): number {
  return statistic === 'Sum' ? slot.samples.sum : slot.samples.count;
}

function pointOver(
  store: MetricStore,
  alarm: AlarmDefinition,
  fromMs: number,
  toMs: number,
): number | undefined {
  return fromMs >= toMs ? undefined : valueOver(store, alarm.queries, alarm.resultId, { fromMs, toMs });
}
