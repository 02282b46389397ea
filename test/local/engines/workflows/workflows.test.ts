import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  InvalidExecutionInput,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
  StateMachineDoesNotExist,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { expect, test, vi } from 'vitest';

import type { EngineOptions, InvokeAnswer } from '../../../../local/engines/ports.ts';
import { echo, runEngines, temporaryFile } from '../running-engines.ts';

const functionArn = (name: string): string => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

function invoke(name: string, members: Readonly<Record<string, unknown>>) {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: functionArn(name), 'Payload.$': '$' },
    OutputPath: '$.Payload',
    ...members,
  };
}

/** One step of a plan: work, bake for the time it was given, judge, and decide. */
const plan = {
  StartAt: 'Enter',
  TimeoutSeconds: 60 * 86_400,
  States: {
    Enter: {
      Type: 'Task',
      Resource: functionArn('enter'),
      ResultPath: '$.entered',
      Next: 'Bake',
      Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 60, MaxAttempts: 2 }],
    },
    Bake: { Type: 'Wait', SecondsPath: '$.bakeSeconds', Next: 'Judge' },
    Judge: invoke('judge', { Next: 'Passed?', Catch: [{ ErrorEquals: ['Broken'], Next: 'GiveUp' }] }),
    'Passed?': {
      Type: 'Choice',
      Choices: [{ Variable: '$.verdict', StringEquals: 'pass', Next: 'Done' }],
      Default: 'GiveUp',
    },
    Done: { Type: 'Succeed' },
    GiveUp: { Type: 'Fail', Error: 'GateFailed', Cause: 'the gate said no' },
  },
};

const failed = (errorType: string): InvokeAnswer => ({
  kind: 'failed',
  errorType,
  errorMessage: 'm',
  trace: [],
});

async function runPlan(
  functions: Parameters<typeof runEngines>[0],
  options: Partial<EngineOptions> = { timeScale: 86_400 },
) {
  const engines = await runEngines(functions, options);
  const stateMachineArn = engines.workflows.ensureStateMachine('phases', plan);
  const client = new SFNClient({ maxAttempts: 1 });
  const describe = (executionArn: string) => client.send(new DescribeExecutionCommand({ executionArn }));
  return {
    engines,
    client,
    stateMachineArn,
    describe,
    async start(input: object, name?: string): Promise<string> {
      const started = await client.send(
        new StartExecutionCommand({
          stateMachineArn,
          input: JSON.stringify(input),
          ...(name !== undefined && { name }),
        }),
      );
      return started.executionArn!;
    },
    async end(executionArn: string) {
      await vi.waitFor(async () => expect((await describe(executionArn)).status).not.toBe('RUNNING'), {
        timeout: 5000,
      });
      return describe(executionArn);
    },
  };
}

test('a day of baking passes in a second and the clock is a day later', async () => {
  const run = await runPlan({
    enter: () => ({ kind: 'returned', payload: { step: 1 } }),
    judge: () => ({ kind: 'returned', payload: { verdict: 'pass' } }),
  });
  const before = run.engines.clock.nowMs();

  const execution = await run.end(await run.start({ bakeSeconds: 86_400 }));

  expect(execution).toMatchObject({ status: 'SUCCEEDED', output: '{"verdict":"pass"}' });
  expect(run.engines.clock.nowMs() - before).toBeGreaterThanOrEqual(86_400_000);
  expect(execution.stopDate!.getTime() - execution.startDate!.getTime()).toBeGreaterThanOrEqual(86_400_000);
  expect(run.engines.invocations).toEqual([
    { name: 'enter', payload: { bakeSeconds: 86_400 } },
    { name: 'judge', payload: { bakeSeconds: 86_400, entered: { step: 1 } } },
  ]);
});

test('the history names every state by its own type', async () => {
  const run = await runPlan({ enter: echo, judge: () => failed('Broken') });

  const executionArn = await run.start({ bakeSeconds: 1 });
  const execution = await run.end(executionArn);
  const history = await run.client.send(new GetExecutionHistoryCommand({ executionArn }));
  const latest = await run.client.send(
    new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 1 }),
  );

  expect(execution).toMatchObject({ status: 'FAILED', error: 'GateFailed', cause: 'the gate said no' });
  expect(history.events?.map((event) => event.type)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskStateExited',
    'WaitStateEntered',
    'WaitStateExited',
    'TaskStateEntered',
    'TaskFailed',
    'TaskStateExited',
    'FailStateEntered',
    'ExecutionFailed',
  ]);
  expect(history.events?.[3]?.stateEnteredEventDetails?.name).toBe('Bake');
  expect(history.events?.[6]?.taskFailedEventDetails?.error).toBe('Broken');
  expect(latest.events?.map((event) => event.type)).toEqual(['ExecutionFailed']);
  expect(latest.nextToken).toBeDefined();
});

test('a function that is busy is retried, and one that is missing fails the execution', async () => {
  let calls = 0;
  const run = await runPlan({
    enter: () => {
      calls += 1;
      return calls < 2 ? failed('Busy') : { kind: 'returned', payload: {} };
    },
  });

  const execution = await run.end(await run.start({ bakeSeconds: 0 }));

  expect(calls).toBe(2);
  expect(execution).toMatchObject({ status: 'FAILED', error: 'Lambda.ResourceNotFoundException' });
});

test('starting again by the same name gives the running execution, and is refused for other input', async () => {
  const run = await runPlan({ enter: echo, judge: echo }, {});

  const first = await run.start({ bakeSeconds: 1000 }, 'run-1');
  const again = await run.start({ bakeSeconds: 1000 }, 'run-1');
  const other = run.start({ bakeSeconds: 1 }, 'run-1');

  expect(again).toBe(first);
  await expect(other).rejects.toThrow(ExecutionAlreadyExists);
  expect(run.engines.workflows.running()).toEqual([first]);
});

test('a stopped execution is ABORTED with the cause that was given, and its name is taken', async () => {
  const run = await runPlan({ enter: echo, judge: echo }, {});
  const executionArn = await run.start({ bakeSeconds: 1000 }, 'run-1');

  await run.client.send(new StopExecutionCommand({ executionArn, error: 'Operator', cause: 'enough' }));
  const execution = await run.end(executionArn);
  const { stateMachineArn } = run;
  const aborted = await run.client.send(
    new ListExecutionsCommand({ stateMachineArn, statusFilter: 'ABORTED' }),
  );
  await vi.waitFor(() => expect(run.engines.workflows.running()).toEqual([]));

  expect(execution).toMatchObject({ status: 'ABORTED', error: 'Operator', cause: 'enough' });
  expect(aborted.executions?.map((each) => each.name)).toEqual(['run-1']);
  expect(run.engines.invocations.map((each) => each.name)).not.toContain('judge');
  await expect(run.start({ bakeSeconds: 1000 }, 'run-1')).rejects.toThrow(ExecutionAlreadyExists);
});

test('machines are listed and described, and wrong requests get their exceptions', async () => {
  const run = await runPlan({});
  const { client, stateMachineArn } = run;

  const listed = await client.send(new ListStateMachinesCommand({}));
  const described = await client.send(new DescribeStateMachineCommand({ stateMachineArn }));
  const badInput = client.send(new StartExecutionCommand({ stateMachineArn, input: '{' }));

  expect(listed.stateMachines).toMatchObject([{ name: 'phases', stateMachineArn }]);
  expect(JSON.parse(described.definition!)).toEqual(plan);
  await expect(badInput).rejects.toThrow(InvalidExecutionInput);
  await expect(run.describe(`${stateMachineArn}:none`)).rejects.toThrow(ExecutionDoesNotExist);
  await expect(
    client.send(new StartExecutionCommand({ stateMachineArn: `${stateMachineArn}-none` })),
  ).rejects.toThrow(StateMachineDoesNotExist);
});

test('an execution that starts another waits for it and passes on how it ended', async () => {
  const run = await runPlan({
    enter: echo,
    judge: () => ({ kind: 'returned', payload: { verdict: 'pass' } }),
  });
  const child = (bake: number) => ({
    Type: 'Task',
    Resource: 'arn:aws:states:::states:startExecution.sync:2',
    Parameters: { StateMachineArn: run.stateMachineArn, Input: { bakeSeconds: bake } },
  });
  const parent = run.engines.workflows.ensureStateMachine('parent', {
    StartAt: 'Step',
    States: { Step: { ...child(1), OutputPath: '$.Output', Next: 'Bad' }, Bad: { ...child(-1), End: true } },
  });

  const started = await run.client.send(new StartExecutionCommand({ stateMachineArn: parent }));
  const execution = await run.end(started.executionArn!);
  const { executions } = await run.client.send(
    new ListExecutionsCommand({ stateMachineArn: run.stateMachineArn }),
  );

  expect(execution).toMatchObject({ status: 'SUCCEEDED' });
  expect(JSON.parse(execution.output!)).toMatchObject({ Status: 'SUCCEEDED', Output: { verdict: 'pass' } });
  expect(executions?.map((each) => each.status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
});

test('an execution that was under way when the cloud stopped is ABORTED and says why', async () => {
  const stateFile = temporaryFile('state.json');
  const before = await runPlan({ enter: echo }, { stateFile });
  const executionArn = await before.start({ bakeSeconds: 1000 }, 'run-1');
  await vi.waitFor(() => expect(before.engines.invocations).toHaveLength(1));
  await before.engines.close();

  const after = await runPlan({ enter: echo }, { stateFile });
  const execution = await after.describe(executionArn);
  const history = await after.client.send(new GetExecutionHistoryCommand({ executionArn }));

  expect(execution).toMatchObject({ status: 'ABORTED', error: 'LocalCloud.Restarted' });
  expect(execution.cause).toContain('the local cloud stopped');
  expect(history.events?.at(-1)?.type).toBe('ExecutionAborted');
});
