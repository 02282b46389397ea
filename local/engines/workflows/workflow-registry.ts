import type { StateMachineDefinition } from 'aws-local-stepfunctions';
import {
  ExecutionAbortedError,
  ExecutionError,
  ExecutionTimeoutError,
  StateMachine as Interpreter,
} from 'aws-local-stepfunctions';

import { ApiFault } from '../api-fault.ts';
import { arnOf } from '../arns.ts';
import type { FunctionHost, VirtualClock, WireObject, WorkflowEngine } from '../ports.ts';
import type { Execution, ExecutionEnd } from './execution.ts';
import { addEvent, endExecution } from './execution.ts';
import { historyEvent } from './history-events.ts';
import type { RunnableMachine } from './machine-definition.ts';
import { makeRunnable } from './machine-definition.ts';
import type { Child } from './task-runner.ts';
import { runTask } from './task-runner.ts';

export interface Machine {
  readonly arn: string;
  readonly name: string;
  readonly definition: WireObject;
  readonly runnable: RunnableMachine;
  readonly createdAtMs: number;
}

interface StartRequest {
  readonly machineArn: string;
  readonly name?: string | undefined;
  readonly input?: string | undefined;
}

export interface WorkflowRegistry extends WorkflowEngine {
  machines(): readonly Machine[];
  /** Throws StateMachineDoesNotExist. */
  machine(arn: string): Machine;
  /** Throws ExecutionDoesNotExist. */
  execution(arn: string): Execution;
  /** Newest first. */
  executions(): readonly Execution[];
  start(request: StartRequest): Execution;
  stop(arn: string, error: string | undefined, cause: string | undefined): Execution;
  close(): void;
}

export interface WorkflowDeps {
  readonly functions: FunctionHost;
  readonly clock: VirtualClock;
  /** Kept up to date in place; plain JSON. */
  readonly executions: Execution[];
  readonly onMutation: () => void;
}

const mostExecutions = 200;

export function makeWorkflowRegistry(deps: WorkflowDeps): WorkflowRegistry {
  const machines = new Map<string, Machine>();
  const running = new Map<Execution, { readonly abort: () => void; readonly ended: Promise<void> }>();
  abortOrphans(deps);

  const machine = (arn: string): Machine => {
    const found = machines.get(arn);
    if (found === undefined) {
      throw new ApiFault('StateMachineDoesNotExist', 400, `State Machine Does Not Exist: '${arn}'`);
    }
    return found;
  };
  const startChild = (request: WireObject, signal: AbortSignal): Child => {
    const name = request['Name'];
    const child = start({
      machineArn: String(request['StateMachineArn']),
      name: typeof name === 'string' ? name : undefined,
      input: JSON.stringify(request['Input'] ?? {}),
    });
    const handle = running.get(child);
    signal.addEventListener('abort', () => {
      finish(child, { status: 'ABORTED', cause: 'the execution that started this one was stopped' });
    });
    return { execution: child, ended: handle?.ended ?? Promise.resolve() };
  };
  const finish = (execution: Execution, end: ExecutionEnd): void => {
    endExecution(execution, deps.clock.nowMs(), end);
    running.get(execution)?.abort();
    deps.onMutation();
  };
  const launch = (owner: Machine, execution: Execution): void => {
    const aborted = new AbortController();
    const run = interpret({ ...deps, startChild }, owner, execution, aborted.signal);
    const ended = run.end
      .then((end) => {
        finish(execution, end);
      })
      .finally(() => running.delete(execution));
    running.set(execution, {
      ended,
      abort() {
        aborted.abort();
        run.abort();
      },
    });
  };
  const start = (request: StartRequest): Execution => {
    const owner = machine(request.machineArn);
    const known = repeated(deps.executions, owner, request);
    if (known !== undefined) {
      return known;
    }
    const execution = newExecution(owner, request, deps.clock.nowMs());
    deps.executions.push(execution);
    dropOldest(deps.executions);
    launch(owner, execution);
    deps.onMutation();
    return execution;
  };
  const execution = (arn: string): Execution => {
    const found = deps.executions.find((known) => known.arn === arn);
    if (found === undefined) {
      throw new ApiFault('ExecutionDoesNotExist', 400, `Execution Does Not Exist: '${arn}'`);
    }
    return found;
  };

  return {
    machine,
    execution,
    start,
    machines: () => [...machines.values()],
    executions: () => deps.executions.toReversed(),
    running: () => [...running.keys()].map((known) => known.arn),
    ensureStateMachine(name, definition) {
      const arn = arnOf('states', `stateMachine:${name}`);
      const runnable = makeRunnable(name, definition, deps.clock.timeScale);
      refuseInvalid(definition);
      machines.set(arn, { arn, name, definition, runnable, createdAtMs: deps.clock.nowMs() });
      return arn;
    },
    stop(arn, error, cause) {
      const found = execution(arn);
      finish(found, { status: 'ABORTED', error, cause });
      return found;
    },
    close() {
      for (const handle of running.values()) {
        handle.abort();
      }
    },
  };
}

/** A restart takes the interpreter's place in the machine with it, so what was under way cannot go on. */
function abortOrphans(deps: WorkflowDeps): void {
  for (const execution of deps.executions) {
    endExecution(execution, deps.clock.nowMs(), {
      status: 'ABORTED',
      error: 'LocalCloud.Restarted',
      cause:
        'the local cloud stopped while this execution ran; start the plan again, it goes on where its state stands',
    });
  }
}

/** The running execution of the same name and input; throws ExecutionAlreadyExists for any other of the same name. */
function repeated(
  executions: readonly Execution[],
  owner: Machine,
  request: StartRequest,
): Execution | undefined {
  const known = executions.find((other) => other.machineArn === owner.arn && other.name === request.name);
  if (known !== undefined && (known.status !== 'RUNNING' || known.input !== (request.input ?? '{}'))) {
    throw new ApiFault('ExecutionAlreadyExists', 400, `Execution Already Exists: '${known.arn}'`);
  }
  return known;
}

function newExecution(owner: Machine, request: StartRequest, startedAtMs: number): Execution {
  const name = request.name ?? crypto.randomUUID();
  if (!/^[\w-]{1,80}$/u.test(name)) {
    throw new ApiFault('InvalidName', 400, `'${name}' is not a name of 1 to 80 letters, digits, - and _`);
  }
  const input = request.input ?? '{}';
  try {
    JSON.parse(input);
  } catch {
    throw new ApiFault('InvalidExecutionInput', 400, 'the input of an execution must be JSON');
  }
  const execution: Execution = {
    arn: arnOf('states', `execution:${owner.name}:${name}`),
    machineArn: owner.arn,
    name,
    input,
    startedAtMs,
    status: 'RUNNING',
    events: [],
  };
  addEvent(execution, startedAtMs, 'ExecutionStarted', { executionStartedEventDetails: { input } });
  return execution;
}

function dropOldest(executions: Execution[]): void {
  const at =
    executions.length > mostExecutions ? executions.findIndex((known) => known.status !== 'RUNNING') : -1;
  if (at >= 0) {
    executions.splice(at, 1);
  }
}

function refuseInvalid(definition: WireObject): void {
  // Its constructor checks the definition as it was written; the rewritten one is ours.
  void new Interpreter(definition as unknown as StateMachineDefinition, {
    validationOptions: { checkArn: false },
  });
}

interface Run {
  readonly end: Promise<ExecutionEnd>;
  readonly abort: () => void;
}

function interpret(
  deps: WorkflowDeps & { readonly startChild: (request: WireObject, signal: AbortSignal) => Child },
  owner: Machine,
  execution: Execution,
  signal: AbortSignal,
): Run {
  const { definition, tasks, stateTypes } = owner.runnable;
  const handlers = [...tasks].map(
    ([name, task]) => [name, (input: unknown) => runTask(deps, task, input, signal)] as const,
  );
  const interpreter = new Interpreter(definition, { validationOptions: { noValidate: true } });
  const run = interpreter.run(JSON.parse(execution.input) as never, {
    overrides: { taskResourceLocalHandlers: Object.fromEntries(handlers) as never },
    context: {
      Execution: { Id: execution.arn, Name: execution.name },
      StateMachine: { Id: owner.arn, Name: owner.name },
    },
  });
  const recorded = recordHistory(deps.clock, execution, run.eventLogs, stateTypes);
  return { end: endOf(run.result, recorded), abort: run.abort };
}

async function recordHistory(
  clock: VirtualClock,
  execution: Execution,
  events: AsyncIterable<unknown>,
  stateTypes: ReadonlyMap<string, string>,
): Promise<void> {
  for await (const event of events) {
    const shown = historyEvent(event, stateTypes);
    if (shown !== undefined && execution.status === 'RUNNING') {
      addEvent(execution, clock.nowMs(), shown.type, shown.details);
    }
  }
}

async function endOf(result: Promise<unknown>, recorded: Promise<void>): Promise<ExecutionEnd> {
  try {
    const output = await result;
    await recorded;
    return { status: 'SUCCEEDED', output: JSON.stringify(output ?? null) };
  } catch (error) {
    await recorded;
    return failureOf(error);
  }
}

function failureOf(error: unknown): ExecutionEnd {
  if (error instanceof ExecutionAbortedError) {
    return { status: 'ABORTED' };
  }
  if (error instanceof ExecutionTimeoutError) {
    return { status: 'TIMED_OUT', error: 'States.Timeout' };
  }
  const inner = error instanceof ExecutionError ? error.cause : error;
  return inner instanceof Error
    ? { status: 'FAILED', error: inner.name, cause: inner.message }
    : { status: 'FAILED', error: 'States.Runtime', cause: String(inner) };
}
