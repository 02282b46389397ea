import type { TargetOperations } from '../api-service.ts';
import type { MetricEngine, WireObject } from '../ports.ts';
import type { InputReader } from '../wire-input.ts';
import { isObject, readInput } from '../wire-input.ts';
import type { MetricQuery } from './metric-query.ts';
import { invalidParameter, knownStatistic, readDimensions, readQueries, valueOver } from './metric-query.ts';
import type { MetricStore } from './metric-store.ts';
import type { SampleSet } from './sample-set.ts';
import { setOfValues, statisticOf } from './sample-set.ts';

const code = 'InvalidParameterValueException';

export function makeMetricEngine(store: MetricStore): MetricEngine {
  return {
    put(sample) {
      const metric = { namespace: sample.namespace, name: sample.name, dimensions: sample.dimensions ?? {} };
      store.add(metric, sample.timestampMs ?? Date.now(), setOfValues([sample.value], [1]));
    },
  };
}

export function metricOperations(store: MetricStore): TargetOperations {
  return {
    PutMetricData(wire) {
      const input = readInput(wire, code);
      const namespace = input.text('Namespace');
      // Everything is read before anything is stored: a request with one bad datum stores nothing.
      const data = input.objects('MetricData').map((datum) => readDatum(namespace, datum));
      for (const datum of data) {
        store.add(datum.metric, datum.atMs, datum.samples);
      }
    },
    GetMetricData(wire) {
      const input = readInput(wire, code);
      const queries = readQueries(input.objects('MetricDataQueries'));
      const span = readSpan(input);
      const ascending = input.optionalText('ScanBy') === 'TimestampAscending';
      const results = queries
        .filter((query) => query.returned)
        .map((query) => seriesOf(store, queries, query, span));
      return { MetricDataResults: ascending ? results : results.map(newestFirst), Messages: [] };
    },
    GetMetricStatistics: (wire) => metricStatistics(store, readInput(wire, code)),
    ListMetrics(wire) {
      const input = readInput(wire, code);
      const namespace = input.optionalText('Namespace');
      const name = input.optionalText('MetricName');
      const chosen = store
        .list()
        .filter(
          (metric) =>
            (namespace ?? metric.namespace) === metric.namespace && (name ?? metric.name) === metric.name,
        );
      return {
        Metrics: chosen.map((metric) => ({
          Namespace: metric.namespace,
          MetricName: metric.name,
          Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
        })),
      };
    },
  };
}

interface Datum {
  readonly metric: {
    readonly namespace: string;
    readonly name: string;
    readonly dimensions: Record<string, string>;
  };
  readonly atMs: number;
  readonly samples: SampleSet;
}

function readDatum(namespace: string, datum: WireObject): Datum {
  const input = readInput(datum, code);
  const timestamp = input.optionalNumber('Timestamp');
  return {
    metric: {
      namespace,
      name: input.text('MetricName'),
      dimensions: { ...readDimensions(input.objects('Dimensions')) },
    },
    atMs: timestamp === undefined ? Date.now() : timestamp * 1000,
    samples: readSamples(datum, input),
  };
}

function readSamples(datum: WireObject, input: InputReader): SampleSet {
  const summary = datum['StatisticValues'];
  if (isObject(summary)) {
    const values = readInput(summary, code);
    return {
      count: values.number('SampleCount'),
      sum: values.number('Sum'),
      min: values.number('Minimum'),
      max: values.number('Maximum'),
      values: [],
      counts: [],
    };
  }
  const value = input.optionalNumber('Value');
  return value === undefined
    ? readValues(numbersIn(input, 'Values'), numbersIn(input, 'Counts'))
    : setOfValues([value], [1]);
}

function readValues(values: readonly number[], counts: readonly number[]): SampleSet {
  if (values.length === 0) {
    throw invalidParameter('a datum needs a Value, Values or StatisticValues');
  }
  if (values.length > 150 || (counts.length > 0 && counts.length !== values.length)) {
    throw invalidParameter('Values takes at most 150 numbers, and Counts as many as Values');
  }
  return setOfValues(values, counts);
}

function numbersIn(input: InputReader, name: string): readonly number[] {
  return input.list(name).map((entry) => {
    if (typeof entry !== 'number') {
      throw invalidParameter(`${name} must be a list of numbers`);
    }
    return entry;
  });
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

function readSpan(input: InputReader): Span {
  const span = { fromMs: input.number('StartTime') * 1000, toMs: input.number('EndTime') * 1000 };
  if (span.fromMs >= span.toMs) {
    throw invalidParameter('StartTime must lie before EndTime');
  }
  return span;
}

/** Spans of one period each, aligned to the period, oldest first. */
function buckets(span: Span, periodMs: number): readonly Span[] {
  const spans: Span[] = [];
  for (let fromMs = Math.floor(span.fromMs / periodMs) * periodMs; fromMs < span.toMs; fromMs += periodMs) {
    spans.push({ fromMs, toMs: fromMs + periodMs });
  }
  if (spans.length > 100_800) {
    throw invalidParameter('more than 100,800 datapoints were asked for; take a longer period');
  }
  return spans;
}

interface MetricDataResult {
  readonly Id: string;
  readonly Label: string;
  readonly StatusCode: 'Complete';
  readonly Timestamps: readonly number[];
  readonly Values: readonly number[];
}

function seriesOf(
  store: MetricStore,
  queries: readonly MetricQuery[],
  query: MetricQuery,
  span: Span,
): MetricDataResult {
  const periods = queries.flatMap((candidate) => (candidate.kind === 'statistic' ? [candidate.periodS] : []));
  const periodS = query.kind === 'statistic' ? query.periodS : Math.max(...periods, 1);
  const points = buckets(span, periodS * 1000)
    .map((bucket) => ({ atMs: bucket.fromMs, value: valueOver(store, queries, query.id, bucket) }))
    .filter((point) => point.value !== undefined);
  return {
    Id: query.id,
    Label: query.kind === 'statistic' ? query.metric.name : query.id,
    StatusCode: 'Complete',
    Timestamps: points.map((point) => point.atMs / 1000),
    Values: points.map((point) => point.value ?? 0),
  };
}

function newestFirst(result: MetricDataResult): MetricDataResult {
  return { ...result, Timestamps: result.Timestamps.toReversed(), Values: result.Values.toReversed() };
}

function metricStatistics(store: MetricStore, input: InputReader): WireObject {
  const metric = {
    namespace: input.text('Namespace'),
    name: input.text('MetricName'),
    dimensions: readDimensions(input.objects('Dimensions')),
  };
  const simple = input.texts('Statistics').map(knownStatistic);
  const extended = input.texts('ExtendedStatistics').map(knownStatistic);
  const points = buckets(readSpan(input), input.number('Period') * 1000)
    .map((bucket) => ({ bucket, samples: store.between(metric, bucket.fromMs, bucket.toMs) }))
    .filter(({ samples }) => samples.count > 0);
  return {
    Label: metric.name,
    Datapoints: points.map(({ bucket, samples }) => ({
      Timestamp: bucket.fromMs / 1000,
      Unit: 'None',
      ...pick(samples, simple),
      ...(extended.length > 0 && { ExtendedStatistics: pick(samples, extended) }),
    })),
  };
}

function pick(
  samples: SampleSet,
  statistics: readonly string[],
): Readonly<Record<string, number | undefined>> {
  return Object.fromEntries(statistics.map((statistic) => [statistic, statisticOf(samples, statistic)]));
}
