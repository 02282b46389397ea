import type { AlarmDefinition, Evidence } from './alarm-definition.ts';
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
  return alarm.evidence === undefined
    ? latestPoints(store, alarm, time, bucketMs)
    : evidencePoints(store, alarm, time, { bucketMs, evidence: alarm.evidence });
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

/** Each point reaches back from its end until it holds enough samples. */
function evidencePoints(
  store: MetricStore,
  alarm: AlarmDefinition,
  time: EvaluationTime,
  shape: { readonly bucketMs: number; readonly evidence: Evidence },
): Datapoints {
  const points: (number | undefined)[] = [];
  let toMs = time.nowMs;
  while (points.length < alarm.evaluationPeriods) {
    const enoughFromMs = reachBack(store, alarm, shape.evidence, { toMs, notBeforeMs: time.resetAtMs });
    if (enoughFromMs === undefined) {
      points.push(undefined);
      toMs -= shape.bucketMs;
      continue;
    }
    const fromMs = Math.max(time.resetAtMs, Math.min(enoughFromMs, toMs - shape.bucketMs));
    points.push(pointOver(store, alarm, fromMs, toMs));
    toMs = shape.evidence.overlaps ? toMs - shape.bucketMs : fromMs;
  }
  return points;
}

/** Where the shortest span that ends at `toMs` and holds enough samples begins; undefined when there are not enough. */
function reachBack(
  store: MetricStore,
  alarm: AlarmDefinition,
  evidence: Evidence,
  bounds: { readonly toMs: number; readonly notBeforeMs: number },
): number | undefined {
  const query = alarm.queries.find((candidate) => candidate.id === evidence.id);
  if (query?.kind !== 'statistic') {
    return undefined;
  }
  let held = 0;
  for (const slot of store.newestFirst(query.metric, bounds.toMs)) {
    if (slot.atMs < bounds.notBeforeMs) {
      return undefined;
    }
    held += samplesIn(slot, query.statistic);
    if (held >= evidence.leastSamples) {
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
