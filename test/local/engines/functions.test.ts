import {
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';
import { expect, test, vi } from 'vitest';

import { echo, runEngines } from './running-engines.ts';

const payload = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

test('an invocation answers with what the function returned', async () => {
  await runEngines({ mirror: echo });
  const client = new LambdaClient();

  const answer = await client.send(new InvokeCommand({ FunctionName: 'mirror', Payload: payload({ a: 1 }) }));

  expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
  expect(answer.FunctionError).toBeUndefined();
  expect(JSON.parse(answer.Payload!.transformToString())).toEqual({ a: 1 });
});

test('a function that fails answers 200 with FunctionError and the error as payload', async () => {
  const trace = ['at handler'];
  await runEngines({ broken: () => ({ kind: 'failed', errorType: 'TypeError', errorMessage: 'no', trace }) });
  const client = new LambdaClient();

  const answer = await client.send(new InvokeCommand({ FunctionName: 'broken' }));

  expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(JSON.parse(answer.Payload!.transformToString())).toEqual({
    errorType: 'TypeError',
    errorMessage: 'no',
    trace,
  });
});

test('an event invocation answers before the function ends and is tried again when it fails', async () => {
  let calls = 0;
  const engines = await runEngines({
    flaky: () => {
      calls += 1;
      return calls === 1
        ? { kind: 'failed', errorType: 'Error', errorMessage: 'once', trace: [] }
        : { kind: 'returned', payload: null };
    },
  });
  const client = new LambdaClient();

  const answer = await client.send(new InvokeCommand({ FunctionName: 'flaky', InvocationType: 'Event' }));
  const dry = await client.send(new InvokeCommand({ FunctionName: 'flaky', InvocationType: 'DryRun' }));
  await vi.waitFor(() => expect(calls).toBe(2), { timeout: 5000 });

  expect(answer.StatusCode).toBe(202);
  expect(dry.StatusCode).toBe(204);
  expect(engines.faults).toEqual([]);
});

test('functions are listed and described, and an unknown one is a ResourceNotFoundException', async () => {
  await runEngines({ mirror: echo });
  const client = new LambdaClient();

  const listed = await client.send(new ListFunctionsCommand());
  const described = await client.send(new GetFunctionCommand({ FunctionName: 'mirror' }));

  expect(listed.Functions?.map((each) => each.FunctionName)).toEqual(['mirror']);
  expect(described.Configuration?.FunctionArn).toBe('arn:aws:lambda:us-east-1:000000000000:function:mirror');
  await expect(client.send(new InvokeCommand({ FunctionName: 'none' }))).rejects.toThrow(
    ResourceNotFoundException,
  );
});
