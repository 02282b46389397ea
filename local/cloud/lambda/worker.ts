import { Console } from 'node:console';
import { getPriority, setPriority } from 'node:os';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

import { guardCalls, sourceHost } from './guard-calls.ts';
import type { FunctionFault, InvocationRequest, WorkerReport, WorkerSetup } from './invocation.ts';

/**
 * The sandbox of one Lambda function. Between two invocations the thread sleeps in `Atomics.wait`, so whatever the
 * handler left running (promises, timers, sockets) really stands still, as it does in a frozen Lambda environment.
 */
type Handler = (event: unknown, context: LambdaContext) => unknown;

interface LambdaContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
}

/** A sandbox that waits this long has nothing better to do. */
const collectAfterIdleMs = 100;
/** Less than this is not worth the pause: most functions leave little behind. */
const collectFromBytes = 8 * 1024 * 1024;

/** Niceness added to that of the services. */
const politeness = 10;

const setup = workerData as WorkerSetup;
const port = requirePort();
const wakeUps = new Int32Array(setup.wakeUps);
const collectGarbage = makeCollector();

if (setup.isBackground) yieldToUsers();
captureConsole();
if (setup.allowedActions !== null) {
  const rights = { allowed: setup.allowedActions, elsewhere: sourceHost(process.env['SOURCE']) };
  guardCalls(setup.functionName, rights, (line) => report({ kind: 'log', line }));
}
const handler = await start();
if (handler !== null) await serve(handler);

function requirePort(): NonNullable<typeof parentPort> {
  if (parentPort === null) throw new Error('a Lambda worker runs in a worker thread');
  return parentPort;
}

/**
 * On AWS functions have processors of their own. Here they share a few with the services that users wait for, so they
 * come after them. Linux gives each thread its own priority; elsewhere it would be that of the whole process.
 */
function yieldToUsers(): void {
  if (process.platform === 'linux') setPriority(0, Math.min(19, getPriority(0) + politeness));
}

function report(message: WorkerReport): void {
  port.postMessage(message);
}

async function start(): Promise<Handler | null> {
  const startedAtMs = performance.now();
  try {
    const loaded = (await import(pathToFileURL(setup.modulePath).href)) as Record<string, unknown>;
    const found = loaded[setup.exportName];
    if (typeof found !== 'function') {
      throw namedError(
        'Runtime.HandlerNotFound',
        `${setup.exportName} is undefined or not exported by ${setup.modulePath}`,
      );
    }
    report({ kind: 'started', initMs: performance.now() - startedAtMs });
    return found as Handler;
  } catch (error) {
    report({ kind: 'start-failed', fault: faultOf(error) });
    return null;
  }
}

async function serve(handler: Handler): Promise<void> {
  for (;;) {
    const request = nextRequest();
    try {
      const result = await handler(JSON.parse(request.payload), contextOf(request));
      report({ kind: 'returned', requestId: request.requestId, payload: JSON.stringify(result) ?? 'null' });
    } catch (error) {
      report({ kind: 'failed', requestId: request.requestId, fault: faultOf(error) });
    }
  }
}

/** Blocks the whole thread until a request is there. */
function nextRequest(): InvocationRequest {
  for (;;) {
    const seen = Atomics.load(wakeUps, 0);
    const received = receiveMessageOnPort(port);
    if (received !== undefined) return received.message as InvocationRequest;
    if (Atomics.wait(wakeUps, 0, seen, collectAfterIdleMs) !== 'timed-out') continue;
    collectGarbage();
    Atomics.wait(wakeUps, 0, seen);
  }
}

/**
 * A frozen sandbox keeps what its invocations left behind, and two dozen of them share one machine: it is given back
 * once it is a few megabytes and nothing else waits for this thread.
 */
function makeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let keptBytes = usedBytes();
  return () => {
    if (usedBytes() - keptBytes < collectFromBytes) return;
    collect();
    keptBytes = usedBytes();
  };
}

function usedBytes(): number {
  return getHeapStatistics().used_heap_size;
}

function contextOf(request: InvocationRequest): LambdaContext {
  return {
    awsRequestId: request.requestId,
    functionName: setup.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: setup.functionArn,
    memoryLimitInMB: String(setup.memoryMb),
    logGroupName: `/aws/lambda/${setup.functionName}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, request.deadlineMs - Date.now()),
  };
}

function faultOf(error: unknown): FunctionFault {
  if (!(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: format('%s', error), trace: [] };
  }
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

function namedError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

/** Lines travel as messages: a blocked thread would never flush its own stdout. */
function captureConsole(): void {
  const sink = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done): void {
      report({ kind: 'log', line: String(chunk).replace(/\n$/, '') });
      done();
    },
  });
  globalThis.console = new Console({ stdout: sink, stderr: sink });
  const write = sink.write.bind(sink) as typeof process.stdout.write;
  process.stdout.write = write;
  process.stderr.write = write;
}
