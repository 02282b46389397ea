import { createServer } from 'node:http';
import { once } from 'node:events';

import { CloudWatchClient, DescribeAlarmsCommand, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, test } from 'vitest';

import { makeAlarmReader } from '../../../lib/aws/alarm-reader.ts';
import { makeFunctionInvoker } from '../../../lib/aws/function-invoker.ts';
import { makeHealthProbe } from '../../../lib/aws/health-probe.ts';
import { makeMetricReader } from '../../../lib/aws/metric-reader.ts';
import { makeRunStore } from '../../../lib/aws/run-store.ts';
import { makeWorkflow } from '../../../lib/aws/workflow.ts';
import type { RunRecord } from '../../../lib/orchestrator/run.ts';

const meta = { $metadata: {}, message: '' };
const time = (second: number) => new Date(1_750_000_000_000 + second * 1000);
const stateMachineArn = 'arn:aws:states:us-east-1:123456789012:stateMachine:hal9-migrate-phases';

test('an execution that was started before is not an error', async () => {
  const sfn = mockClient(SFNClient);
  sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists(meta));
  const workflow = makeWorkflow({ client: new SFNClient({}), stateMachineArn });

  await expect(workflow.start('run-1', { a: 1 })).resolves.toBeUndefined();
  expect(sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
    stateMachineArn,
    name: 'run-1',
    input: '{"a":1}',
  });
});

test('the state of an execution is running, ended or unknown', async () => {
  const sfn = mockClient(SFNClient);
  const workflow = makeWorkflow({ client: new SFNClient({}), stateMachineArn });
  sfn
    .on(DescribeExecutionCommand)
    .resolvesOnce({ status: 'RUNNING' })
    .resolvesOnce({ status: 'ABORTED' })
    .rejectsOnce(new ExecutionDoesNotExist(meta));

  const states = [await workflow.state('a'), await workflow.state('a'), await workflow.state('a')];

  expect(states).toEqual(['running', 'ended', 'unknown']);
});

test('a function that failed is an error with its own type and message', async () => {
  const lambda = mockClient(LambdaClient);
  lambda.on(InvokeCommand).resolves({
    FunctionError: 'Unhandled',
    Payload: new TextEncoder().encode('{"errorType":"SwitchUnderWay","errorMessage":"wait"}') as never,
  });
  const invoker = makeFunctionInvoker({ client: new LambdaClient({}), prefix: 'hal9-migrate-' });

  await expect(invoker.invoke('switch-authority', {})).rejects.toMatchObject({
    name: 'FunctionFailed',
    facts: { errorType: 'SwitchUnderWay', errorMessage: 'wait' },
  });
  expect(lambda.commandCalls(InvokeCommand)[0]?.args[0].input.FunctionName).toBe(
    'hal9-migrate-switch-authority',
  );
});

test('metrics are read in periods inside the window, percentiles weighted by their samples', async () => {
  const cloudWatch = mockClient(CloudWatchClient);
  cloudWatch.on(GetMetricDataCommand).resolves({
    MetricDataResults: [
      { Id: 'requests', Values: [10, 30], Timestamps: [time(1), time(2)] },
      { Id: 'p99', Values: [100, 20], Timestamps: [time(1), time(2)] },
      { Id: 'p99_n', Values: [10, 30], Timestamps: [time(1), time(2)] },
    ],
  });
  const reader = makeMetricReader({ client: new CloudWatchClient({}), namespace: 'Hal9Migrate' });

  const readings = await reader.read(
    [
      { id: 'requests', metric: 'Requests', system: 'flat', statistic: 'Sum' },
      { id: 'p99', metric: 'LatencyMs', system: 'flat', statistic: 'p99' },
      { id: 'errors', metric: 'Errors', system: 'flat', statistic: 'Sum' },
    ],
    { startMs: time(0).getTime() + 300, endMs: time(60).getTime() },
  );

  expect(readings.get('requests')).toMatchObject({ value: 40, newestAtMs: time(2).getTime() });
  expect(readings.get('p99')).toMatchObject({ value: 40 });
  expect(readings.get('errors')).toMatchObject({ value: null, newestAtMs: null });
  const { input } = cloudWatch.commandCalls(GetMetricDataCommand)[0]!.args[0];
  expect(input.StartTime).toEqual(time(1));
  expect(input.MetricDataQueries?.map(({ MetricStat }) => MetricStat?.Period)).toEqual([1, 1, 1, 1]);
});

test('alarms come with their state and whether they are muted', async () => {
  const cloudWatch = mockClient(CloudWatchClient);
  cloudWatch
    .on(DescribeAlarmsCommand)
    .resolvesOnce({
      MetricAlarms: [{ AlarmName: 'a', StateValue: 'ALARM', ActionsEnabled: false }],
      NextToken: 'x',
    })
    .resolvesOnce({ MetricAlarms: [{ AlarmName: 'b', StateValue: 'OK', ActionsEnabled: true }] });

  const alarms = await makeAlarmReader({ client: new CloudWatchClient({}), prefix: 'hal9-migrate-' }).list();

  expect(alarms).toMatchObject([
    { name: 'a', state: 'ALARM', actionsEnabled: false },
    { name: 'b', state: 'OK', actionsEnabled: true },
  ]);
});

test('an update whose first answer was lost is recognised as our own', async () => {
  const dynamo = mockClient(DynamoDBClient);
  dynamo.on(PutItemCommand).callsFake((input: PutItemCommand['input']) => {
    const mine = { record: input.Item!['record']! };
    throw new ConditionalCheckFailedException({ ...meta, Item: mine });
  });
  const run = { runId: 'r', revision: 1, routingEpoch: 0, status: 'running' } as RunRecord;

  const updated = await makeRunStore({ client: new DynamoDBClient({}), table: 't' }).update(run, run);

  expect(updated).toMatchObject({ revision: 2 });
});

test('a system is healthy only when it answers 2xx in time', async () => {
  const server = createServer((request, response) => {
    if (request.headers['x-never'] === undefined && request.url === '/health') response.writeHead(503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const origins = { flat: `http://127.0.0.1:${port}`, hierarchical: 'http://127.0.0.1:1' };
  const probe = makeHealthProbe({ origins, deadlineMs: 500 });

  const [flat, hierarchical] = await Promise.all([probe.check('flat'), probe.check('hierarchical')]);
  server.close();

  expect(flat).toEqual({ healthy: false, detail: 'status 503' });
  expect(hierarchical.healthy).toBe(false);
});
