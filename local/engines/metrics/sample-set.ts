/** Samples of one span of time, as CloudWatch keeps them: a summary, and the values as far as they are known. */
export interface SampleSet {
  count: number;
  sum: number;
  min: number;
  max: number;
  /** Distinct values and how often each was seen; shorter than `count` when only a summary was put. */
  readonly values: number[];
  readonly counts: number[];
}

export function emptySet(): SampleSet {
  return {
    count: 0,
    sum: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    values: [],
    counts: [],
  };
}

export function setOfValues(values: readonly number[], counts: readonly number[]): SampleSet {
  const set = emptySet();
  for (const [index, value] of values.entries()) {
    const count = counts[index] ?? 1;
    set.count += count;
    set.sum += value * count;
    set.min = Math.min(set.min, value);
    set.max = Math.max(set.max, value);
    set.values.push(value);
    set.counts.push(count);
  }
  return set;
}

export function mergeInto(target: SampleSet, added: SampleSet): void {
  target.count += added.count;
  target.sum += added.sum;
  target.min = Math.min(target.min, added.min);
  target.max = Math.max(target.max, added.max);
  for (const [index, value] of added.values.entries()) {
    target.values.push(value);
    target.counts.push(added.counts[index] ?? 1);
  }
}

const percentileForm = /^p(\d{1,2}(?:\.\d+)?|100)$/u;

export function isPercentile(statistic: string): boolean {
  return percentileForm.test(statistic);
}

export function isStatistic(statistic: string): boolean {
  return (
    ['Average', 'Sum', 'SampleCount', 'Minimum', 'Maximum'].includes(statistic) || isPercentile(statistic)
  );
}

/** Undefined for no samples, and for a percentile of which only a summary is known. */
export function statisticOf(set: SampleSet, statistic: string): number | undefined {
  if (set.count === 0) {
    return undefined;
  }
  const simple: Record<string, number> = {
    Average: set.sum / set.count,
    Sum: set.sum,
    SampleCount: set.count,
    Minimum: set.min,
    Maximum: set.max,
  };
  return simple[statistic] ?? percentileOf(set, Number(percentileForm.exec(statistic)?.[1] ?? Number.NaN));
}

function percentileOf(set: SampleSet, percentile: number): number | undefined {
  if (Number.isNaN(percentile)) {
    return undefined;
  }
  if (set.min === set.max) {
    return set.min;
  }
  const pairs = set.values.map((value, index) => ({ value, count: set.counts[index] ?? 1 }));
  pairs.sort((left, right) => left.value - right.value);
  const known = pairs.reduce((total, pair) => total + pair.count, 0);
  if (known < set.count) {
    return undefined;
  }
  const rank = (percentile / 100) * known;
  let seen = 0;
  for (const pair of pairs) {
    seen += pair.count;
    // Binary fractions must not push an exact rank to the next value.
    if (seen >= rank - 1e-9) {
      return pair.value;
    }
  }
  return set.max;
}
