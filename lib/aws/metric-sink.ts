import { PutMetricDataCommand, type CloudWatchClient, type MetricDatum } from '@aws-sdk/client-cloudwatch';

import type { Metric, MetricSink } from '../kernel/metric-sink.ts';

/** CloudWatch's limits per request and per datum. A request also holds 1 MB, which 300 full data stay well below. */
const mostDataPerRequest = 300;
const mostValuesPerDatum = 150;

export interface MetricSinkDeps {
  readonly client: CloudWatchClient;
  readonly namespace: string;
}

/** Metrics in CloudWatch at one-second resolution. */
export function makeMetricSink({ client, namespace }: MetricSinkDeps): MetricSink {
  return {
    async put(metrics) {
      const data = metrics.flatMap(toData);
      for (let start = 0; start < data.length; start += mostDataPerRequest) {
        const MetricData = data.slice(start, start + mostDataPerRequest);
        await client.send(new PutMetricDataCommand({ Namespace: namespace, MetricData }));
      }
    },
  };
}

function toData(metric: Metric): MetricDatum[] {
  const data: MetricDatum[] = [];
  for (let start = 0; start < metric.values.length; start += mostValuesPerDatum) {
    data.push({
      MetricName: metric.name,
      Unit: metric.unit,
      Timestamp: new Date(metric.atMs),
      StorageResolution: 1,
      Dimensions: metric.system === undefined ? [] : [{ Name: 'System', Value: metric.system }],
      Values: metric.values.slice(start, start + mostValuesPerDatum),
      Counts: metric.counts.slice(start, start + mostValuesPerDatum),
    });
  }
  return data;
}
