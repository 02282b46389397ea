import { functionNameOf } from '../arns.ts';
import type { FunctionHost, InvokeAnswer, VirtualClock, WireObject } from '../ports.ts';
import { realSleep } from '../virtual-clock.ts';
import { isObject } from '../wire-input.ts';
import type { Execution } from './execution.ts';
import type { TaskKind } from './machine-definition.ts';
import { waitDurationMs } from './wait-duration.ts';

export interface TaskDeps {
  readonly functions: FunctionHost;
  readonly clock: VirtualClock;
  readonly startChild: (request: WireObject, signal: AbortSignal) => Child;
}

export interface Child {
  readonly execution: Execution;
  /** Resolves when the execution has ended, however it did. */
  readonly ended: Promise<void>;
}

/** Runs one Task or Wait state. Failures are thrown as errors whose name is what Retry and Catch match. */
export async function runTask(
  deps: TaskDeps,
  task: TaskKind,
  input: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  switch (task.kind) {
    case 'wait':
      await wait(deps.clock, waitDurationMs(task.state, input, deps.clock.nowMs()), signal);
      return input;
    case 'function':
      return payloadOf(
        await deps.functions.invoke(functionNameOf(task.functionArn), input),
        task.functionArn,
      );
    case 'invoke':
      return invoke(deps.functions, input);
    case 'execution':
    default:
      return runExecution(deps, task.mode, input, signal);
  }
}

/** Compressed waits would make a machine that polls spin. */
const shortestWaitMs = 250;

async function wait(clock: VirtualClock, durationMs: number, signal: AbortSignal): Promise<void> {
  const leastMs = Math.min(durationMs, shortestWaitMs);
  await Promise.all([clock.sleep(durationMs, signal), realSleep(leastMs, signal)]);
}

async function invoke(functions: FunctionHost, input: unknown): Promise<WireObject> {
  const request = isObject(input) ? input : {};
  const name = request['FunctionName'];
  if (typeof name !== 'string') {
    throw named('States.Runtime', 'the task has no FunctionName');
  }
  const payload = payloadOf(await functions.invoke(functionNameOf(name), request['Payload'] ?? {}), name);
  return {
    ExecutedVersion: '$LATEST',
    Payload: payload,
    StatusCode: 200,
    SdkHttpMetadata: { HttpStatusCode: 200 },
  };
}

function payloadOf(answer: InvokeAnswer, functionName: string): unknown {
  switch (answer.kind) {
    case 'returned':
      return answer.payload ?? null;
    case 'failed': {
      const { errorType, errorMessage, trace } = answer;
      throw named(errorType, JSON.stringify({ errorType, errorMessage, trace }));
    }
    case 'missing':
    default:
      throw named('Lambda.ResourceNotFoundException', `Function not found: ${functionName}`);
  }
}

async function runExecution(
  deps: TaskDeps,
  mode: 'start' | 'sync' | 'sync-json',
  input: unknown,
  signal: AbortSignal,
): Promise<WireObject> {
  const { execution, ended } = deps.startChild(isObject(input) ? input : {}, signal);
  if (mode === 'start') {
    return { ExecutionArn: execution.arn, StartDate: execution.startedAtMs };
  }
  await ended;
  const described = describeChild(execution, mode === 'sync-json');
  if (execution.status !== 'SUCCEEDED') {
    throw named('States.TaskFailed', JSON.stringify(described));
  }
  return described;
}

function describeChild(execution: Execution, parsed: boolean): WireObject {
  const value = (text: string): unknown => (parsed ? (JSON.parse(text) as unknown) : text);
  return {
    ExecutionArn: execution.arn,
    Input: value(execution.input),
    Name: execution.name,
    ...(execution.output !== undefined && { Output: value(execution.output) }),
    ...(execution.error !== undefined && { Error: execution.error }),
    ...(execution.cause !== undefined && { Cause: execution.cause }),
    StartDate: execution.startedAtMs,
    StateMachineArn: execution.machineArn,
    Status: execution.status,
    StopDate: execution.stoppedAtMs,
  };
}

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
