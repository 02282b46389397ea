import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  InvalidParameterValueException,
  ListMetricsCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  type PutMetricAlarmCommandInput,
  ResourceNotFound,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { expect, test, vi } from 'vitest';

import { echo, runEngines, type RunningEngines } from '../running-engines.ts';

const Namespace = 'Hal9Migrate';
const dimensions = [{ Name: 'System', Value: 'hierarchical' }];

/** Nothing is evaluated unless the test says so. */
const byHand = { alarmTickMs: 1_000_000 };

const errorRate = {
  AlarmName: 'error-rate',
  AlarmDescription: 'too many errors',
  EvaluationPeriods: 3,
  DatapointsToAlarm: 2,
  Threshold: 5,
  ComparisonOperator: 'GreaterThanThreshold',
  TreatMissingData: 'notBreaching',
  AlarmActions: ['arn:aws:lambda:us-east-1:000000000000:function:roll-back'],
  Metrics: [
    { Id: 'rate', Expression: 'IF(requests >= 1, 100 * FILL(errors, 0) / requests, 0)', ReturnData: true },
    stat('requests', 'Requests', 'Sum'),
    stat('errors', 'Errors', 'Sum'),
  ],
} satisfies PutMetricAlarmCommandInput;

function stat(Id: string, MetricName: string, Stat: string) {
  const Metric = { Namespace, MetricName, Dimensions: dimensions };
  return { Id, MetricStat: { Metric, Period: 60, Stat }, ReturnData: false };
}

function put(engines: RunningEngines, name: string, value: number, atMs: number): void {
  engines.metrics.put({
    namespace: Namespace,
    name,
    dimensions: { System: 'hierarchical' },
    value,
    timestampMs: atMs,
  });
}

test('what was put is read back by period and statistic', async () => {
  await runEngines();
  const client = new CloudWatchClient();
  const minute = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
  const Timestamp = new Date(minute + 1000);
  const span = { StartTime: new Date(minute - 60_000), EndTime: new Date(minute + 60_000) };

  await client.send(
    new PutMetricDataCommand({
      Namespace,
      MetricData: [
        {
          MetricName: 'LatencyMs',
          Timestamp,
          Values: [10, 20, 500],
          Counts: [50, 49, 1],
          StorageResolution: 1,
        },
        { MetricName: 'LatencyMs', Timestamp, Value: 30 },
        {
          MetricName: 'Batch',
          Timestamp,
          StatisticValues: { SampleCount: 4, Sum: 10, Minimum: 1, Maximum: 4 },
        },
        // Long enough that the client compresses the request.
        { MetricName: 'Many', Timestamp, Values: Array.from({ length: 150 }, (_, index) => index + Math.PI) },
        { MetricName: 'Many', Timestamp, Values: Array.from({ length: 150 }, (_, index) => index + Math.E) },
        {
          MetricName: 'Many',
          Timestamp,
          Values: Array.from({ length: 150 }, (_, index) => index + Math.SQRT2),
        },
        {
          MetricName: 'Many',
          Timestamp,
          Values: Array.from({ length: 150 }, (_, index) => index + Math.LN2),
        },
      ],
    }),
  );
  const latency = await client.send(
    new GetMetricStatisticsCommand({
      Namespace,
      MetricName: 'LatencyMs',
      Period: 60,
      Statistics: ['Sum', 'SampleCount', 'Maximum'],
      ExtendedStatistics: ['p50', 'p99'],
      ...span,
    }),
  );
  const query = (Id: string, MetricName: string, Stat: string) => ({
    Id,
    MetricStat: { Metric: { Namespace, MetricName }, Period: 60, Stat },
  });
  const data = await client.send(
    new GetMetricDataCommand({
      ...span,
      MetricDataQueries: [
        query('batch', 'Batch', 'Average'),
        query('many', 'Many', 'SampleCount'),
        { Id: 'both', Expression: 'batch + many' },
      ],
    }),
  );
  const listed = await client.send(new ListMetricsCommand({ Namespace, MetricName: 'Batch' }));

  expect(latency.Datapoints).toMatchObject([
    {
      Timestamp: new Date(minute),
      Sum: 2010,
      SampleCount: 101,
      Maximum: 500,
      ExtendedStatistics: { p50: 20, p99: 30 },
    },
  ]);
  expect(data.MetricDataResults?.map((result) => [result.Id, result.Values])).toEqual([
    ['batch', [2.5]],
    ['many', [600]],
    ['both', [602.5]],
  ]);
  expect(data.MetricDataResults?.[0]?.Timestamps).toEqual([new Date(minute)]);
  expect(listed.Metrics).toHaveLength(1);
});

test('an alarm is described as it was put, can be set, and is gone when deleted', async () => {
  const engines = await runEngines({ 'roll-back': echo }, byHand);
  const client = new CloudWatchClient();

  await client.send(new PutMetricAlarmCommand(errorRate));
  await client.send(
    new SetAlarmStateCommand({ AlarmName: 'error-rate', StateValue: 'ALARM', StateReason: 'drill' }),
  );
  const raised = await client.send(new DescribeAlarmsCommand({ StateValue: 'ALARM' }));
  await client.send(new DisableAlarmActionsCommand({ AlarmNames: ['error-rate'] }));
  await client.send(
    new SetAlarmStateCommand({ AlarmName: 'error-rate', StateValue: 'OK', StateReason: 'over' }),
  );
  await client.send(
    new SetAlarmStateCommand({ AlarmName: 'error-rate', StateValue: 'ALARM', StateReason: 'muted' }),
  );
  await client.send(new DeleteAlarmsCommand({ AlarmNames: ['error-rate'] }));
  const none = await client.send(new DescribeAlarmsCommand({}));

  expect(raised.MetricAlarms).toMatchObject([
    { ...errorRate, StateValue: 'ALARM', StateReason: 'drill', ActionsEnabled: true },
  ]);
  expect(raised.MetricAlarms?.[0]?.StateUpdatedTimestamp).toBeInstanceOf(Date);
  expect(none.MetricAlarms).toEqual([]);
  expect(engines.invocations).toHaveLength(1);
  await expect(
    client.send(new SetAlarmStateCommand({ AlarmName: 'error-rate', StateValue: 'OK', StateReason: 'x' })),
  ).rejects.toThrow(ResourceNotFound);
});

test('an alarm whose metric math cannot be read is refused', async () => {
  await runEngines();
  const client = new CloudWatchClient();
  const Metrics = [{ Id: 'rate', Expression: 'nonsense(', ReturnData: true }];

  await expect(client.send(new PutMetricAlarmCommand({ ...errorRate, Metrics }))).rejects.toThrow(
    InvalidParameterValueException,
  );
});

test('without compression an alarm judges whole periods and calls its function once per state change', async () => {
  const engines = await runEngines({ 'roll-back': echo }, byHand);
  engines.alarms.ensureAlarm(errorRate);
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  for (const [age, errors] of [
    [3, 0],
    [2, 50],
    [1, 60],
  ] as const) {
    put(engines, 'Requests', 100, minute - age * 60_000);
    put(engines, 'Errors', errors, minute - age * 60_000);
  }

  await engines.alarms.evaluate();
  await engines.alarms.evaluate();
  await vi.waitFor(() => expect(engines.invocations).toHaveLength(1));

  expect(engines.invocations[0]).toMatchObject({
    name: 'roll-back',
    payload: {
      source: 'aws.cloudwatch',
      alarmArn: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:error-rate',
      accountId: '000000000000',
      region: 'us-east-1',
      alarmData: {
        alarmName: 'error-rate',
        state: { value: 'ALARM' },
        previousState: { value: 'INSUFFICIENT_DATA' },
        configuration: {
          description: 'too many errors',
          metrics: [
            { id: 'rate', returnData: true },
            { id: 'requests', metricStat: { metric: { name: 'Requests' }, period: 60, stat: 'Sum' } },
            { id: 'errors' },
          ],
        },
      },
    },
  });
});

/** `perSecond` requests in each of the seconds from `fromS` to `untilS` seconds ago. */
function fill(
  engines: RunningEngines,
  perSecond: number,
  errors: number,
  [fromS, untilS]: [number, number],
): void {
  const now = Date.now();
  for (let age = fromS; age > untilS; age -= 1) {
    put(engines, 'Requests', perSecond, now - age * 1000);
    put(engines, 'Errors', errors, now - age * 1000);
  }
}

test('compressed time judges no fewer than a hundred requests', async () => {
  const engines = await runEngines({ 'roll-back': echo }, { ...byHand, timeScale: 60 });
  engines.alarms.ensureAlarm(errorRate);

  // 90 requests, all of them failed: damning, but too little to judge.
  fill(engines, 10, 10, [9, 0]);
  await engines.alarms.evaluate();
  const tooFew = engines.alarms.stateOf('error-rate');
  // Good traffic from before them fills the window up.
  fill(engines, 10, 0, [40, 9]);
  await engines.alarms.evaluate();

  expect(tooFew).toBe('OK');
  expect(engines.alarms.stateOf('error-rate')).toBe('ALARM');
});

test('a rule that asks for more requests than that gets them', async () => {
  const engines = await runEngines({ 'roll-back': echo }, { ...byHand, timeScale: 60 });
  const [rate, ...stats] = errorRate.Metrics;
  const Expression = 'IF(requests >= 1000, 100 * errors / requests, 0)';
  engines.alarms.ensureAlarm({ ...errorRate, Metrics: [{ ...rate, Expression }, ...stats] });

  fill(engines, 100, 100, [9, 0]);
  await engines.alarms.evaluate();
  const tooFew = engines.alarms.stateOf('error-rate');
  fill(engines, 100, 100, [30, 9]);
  await engines.alarms.evaluate();

  expect(tooFew).toBe('OK');
  expect(engines.alarms.stateOf('error-rate')).toBe('ALARM');
});

test('one burst of slow answers does not count in several windows of a percentile', async () => {
  const engines = await runEngines({}, { ...byHand, timeScale: 60 });
  const alarm = {
    AlarmName: 'latency',
    Namespace,
    MetricName: 'LatencyMs',
    Dimensions: dimensions,
    ExtendedStatistic: 'p99',
    Period: 60,
    Threshold: 500,
    ComparisonOperator: 'GreaterThanThreshold',
  };
  engines.alarms.ensureAlarm({ ...alarm, AlarmName: 'once', EvaluationPeriods: 1 });
  engines.alarms.ensureAlarm({ ...alarm, AlarmName: 'twice', EvaluationPeriods: 2 });

  const now = Date.now();
  for (let index = 0; index < 1200; index += 1) {
    put(engines, 'LatencyMs', index < 50 ? 900 : 10, now - index * 30);
  }
  await engines.alarms.evaluate();

  expect(engines.alarms.stateOf('once')).toBe('ALARM');
  expect(engines.alarms.stateOf('twice')).toBe('OK');
});

test('samples from before a reset no longer count', async () => {
  const engines = await runEngines({ 'roll-back': echo }, { ...byHand, timeScale: 60 });
  engines.alarms.ensureAlarm(errorRate);
  for (let age = 1; age <= 30; age += 1) {
    put(engines, 'Requests', 100, Date.now() - age * 1000);
    put(engines, 'Errors', 100, Date.now() - age * 1000);
  }
  await engines.alarms.evaluate();
  const before = engines.alarms.stateOf('error-rate');

  engines.alarms.resetWindow('all');
  await engines.alarms.evaluate();

  expect(before).toBe('ALARM');
  expect(engines.alarms.stateOf('error-rate')).toBe('OK');
});

test('compressed time gives a p99 alarm five samples beyond its percentile', async () => {
  const engines = await runEngines({}, { ...byHand, timeScale: 60 });
  engines.alarms.ensureAlarm({
    AlarmName: 'latency',
    Namespace,
    MetricName: 'LatencyMs',
    Dimensions: dimensions,
    ExtendedStatistic: 'p99',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 500,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
  });
  const now = Date.now();
  for (let index = 0; index < 499; index += 1) {
    put(engines, 'LatencyMs', 900, now - index * 10);
  }
  await engines.alarms.evaluate();
  const tooFew = engines.alarms.stateOf('latency');

  put(engines, 'LatencyMs', 900, now);
  await engines.alarms.evaluate();

  expect(tooFew).toBe('OK');
  expect(engines.alarms.stateOf('latency')).toBe('ALARM');
});

test('compressed time judges the last reports of a metric that is put by a schedule', async () => {
  const engines = await runEngines({}, { ...byHand, timeScale: 60 });
  engines.alarms.ensureAlarm({
    AlarmName: 'health',
    Namespace,
    MetricName: 'HealthCheckFailed',
    Dimensions: dimensions,
    Statistic: 'Maximum',
    Period: 60,
    EvaluationPeriods: 2,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'breaching',
  });
  const second = Math.floor(Date.now() / 1000) * 1000;

  put(engines, 'HealthCheckFailed', 0, second - 9000);
  put(engines, 'HealthCheckFailed', 1, second - 6000);
  await engines.alarms.evaluate();
  const once = engines.alarms.stateOf('health');
  put(engines, 'HealthCheckFailed', 1, second - 2000);
  await engines.alarms.evaluate();

  expect(once).toBe('OK');
  expect(engines.alarms.stateOf('health')).toBe('ALARM');
});

test('the engine evaluates by itself', async () => {
  const engines = await runEngines(
    { 'roll-back': echo },
    { timeScale: 60, alarmTickMs: 20, minBucketMs: 100 },
  );
  engines.alarms.ensureAlarm(errorRate);

  for (let age = 1; age <= 30; age += 1) {
    put(engines, 'Requests', 100, Date.now() - age * 100);
    put(engines, 'Errors', 100, Date.now() - age * 100);
  }

  await vi.waitFor(() => expect(engines.invocations).toHaveLength(1));
});
