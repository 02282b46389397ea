import { CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, test } from 'vitest';

import { makeMetricSink } from '../../../lib/aws/metric-sink.ts';
import { countMetric } from '../../../lib/kernel/metric-sink.ts';

test('metrics are sent at one-second resolution with their system as the dimension', async () => {
  const { sink, mock } = makeSink();

  await sink.put([
    { ...countMetric('Requests', 3, 1000), system: 'flat' },
    countMetric('ShadowCompared', 1, 2000),
  ]);

  expect(mock.commandCalls(PutMetricDataCommand)[0]!.args[0].input).toEqual({
    Namespace: 'Hal9Migrate',
    MetricData: [
      {
        MetricName: 'Requests',
        Unit: 'Count',
        Timestamp: new Date(1000),
        StorageResolution: 1,
        Dimensions: [{ Name: 'System', Value: 'flat' }],
        Values: [3],
        Counts: [1],
      },
      expect.objectContaining({ MetricName: 'ShadowCompared', Dimensions: [] }),
    ],
  });
});

test('a datum holds at most 150 values and a request at most 1,000 data; nothing is lost by that', async () => {
  const { sink, mock } = makeSink();
  const values = Array.from({ length: 1_000 }, (_, index) => index);
  const latency = { ...countMetric('LatencyMs', 0, 0), values, counts: values.map(() => 2) };

  await sink.put(Array.from({ length: 200 }, () => latency));

  const requests = mock.commandCalls(PutMetricDataCommand).map((call) => call.args[0].input.MetricData!);
  const data = requests.flat();
  expect(requests.every((each) => each.length <= 1_000)).toBe(true);
  expect(
    data.every((datum) => datum.Values!.length <= 150 && datum.Values!.length === datum.Counts!.length),
  ).toBe(true);
  expect(data.flatMap((datum) => datum.Values!)).toHaveLength(200_000);
});

test('nothing is sent when there is nothing to say', async () => {
  const { sink, mock } = makeSink();

  await sink.put([]);

  expect(mock.calls()).toHaveLength(0);
});

function makeSink() {
  const client = new CloudWatchClient({ region: 'eu-west-1' });
  const mock = mockClient(client);
  mock.on(PutMetricDataCommand).resolves({});
  return { sink: makeMetricSink({ client, namespace: 'Hal9Migrate' }), mock };
}
