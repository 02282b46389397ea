import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';

import type { FunctionSpec } from './function-spec.ts';
import type {
  FunctionFault,
  InvocationRequest,
  InvocationResult,
  WorkerReport,
  WorkerSetup,
} from './invocation.ts';
import { workerScript } from './worker-script.ts';

/** Small heaps, collected early: two dozen sandboxes share one machine. A function's own memory may be less. */
const youngGenerationMb = 8;
/** For those that were given more memory, since they go through whole pages of records. */
const largeFromMb = 1_024;
const largeYoungGenerationMb = 24;
const oldGenerationMb = 160;

/** One running environment of a function: takes one invocation at a time. */
export interface Sandbox {
  /** Never rejects; a sandbox that failed is `dead` afterwards. */
  invoke(payload: string): Promise<InvocationResult>;
  /** Ends the thread at once; an invocation under way is reported as lost. */
  kill(reason: string): Promise<void>;
  readonly dead: boolean;
}

interface Pending {
  readonly requestId: string;
  readonly timer: NodeJS.Timeout;
  settle(result: InvocationResult): void;
}

export function startSandbox(spec: FunctionSpec, log: (line: string) => void): Sandbox {
  const wakeUps = new SharedArrayBuffer(4);
  const setup: WorkerSetup = {
    functionName: spec.name,
    functionArn: spec.arn,
    modulePath: spec.modulePath,
    exportName: spec.exportName,
    memoryMb: spec.memoryMb,
    isBackground: spec.isBackground === true,
    allowedActions: spec.allowedActions ?? null,
    wakeUps,
  };
  const worker = new Worker(workerScript(), {
    workerData: setup,
    name: spec.name.slice(13),
    env: { ...spec.env },
    execArgv: [],
    stdin: false,
    resourceLimits: {
      maxOldGenerationSizeMb: Math.min(spec.memoryMb, oldGenerationMb),
      maxYoungGenerationSizeMb: spec.memoryMb < largeFromMb ? youngGenerationMb : largeYoungGenerationMb,
    },
  });
  const counter = new Int32Array(wakeUps);
  let pending: Pending | null = null;
  let dead = false;
  let startFault: FunctionFault | null = null;

  const settle = (result: InvocationResult): void => {
    const current = pending;
    if (current === null) return;
    clearTimeout(current.timer);
    pending = null;
    current.settle(result);
  };
  const fail = (fault: FunctionFault, lost: boolean): void => {
    if (pending !== null) settle({ kind: 'failed', fault, requestId: pending.requestId, lost });
  };
  const end = async (fault: FunctionFault, lost: boolean): Promise<void> => {
    dead = true;
    fail(fault, lost);
    await worker.terminate();
  };

  worker.on('message', (message: WorkerReport) => {
    switch (message.kind) {
      case 'log':
        return log(message.line);
      case 'started':
        return log(`INIT_START duration ${message.initMs.toFixed(1)} ms`);
      case 'start-failed':
        startFault = message.fault;
        log(`INIT_FAILED ${message.fault.errorType}: ${message.fault.errorMessage}`);
        dead = true;
        fail(message.fault, false);
        return void worker.terminate();
      case 'returned':
        return settle({ kind: 'returned', payload: message.payload, requestId: message.requestId });
      case 'failed':
        log(`ERROR ${message.fault.trace.join('\n') || message.fault.errorMessage}`);
        return settle({ kind: 'failed', fault: message.fault, requestId: message.requestId, lost: false });
    }
  });
  worker.on('error', (error: Error) => {
    dead = true;
    log(`CRASHED ${error.stack ?? error.message}`);
    fail(
      { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') },
      true,
    );
  });
  worker.on('exit', (code) => {
    dead = true;
    fail(exitFault(pending?.requestId ?? '', `exit status ${code}`), true);
  });

  return {
    get dead() {
      return dead;
    },
    invoke(payload) {
      const requestId = randomUUID();
      if (dead) {
        const fault = startFault ?? exitFault(requestId, 'the sandbox is gone');
        return Promise.resolve({ kind: 'failed', fault, requestId, lost: true });
      }
      const { promise, resolve } = Promise.withResolvers<InvocationResult>();
      const timer = setTimeout(() => {
        log(`TIMEOUT ${requestId} after ${spec.timeoutMs} ms`);
        void end(timeoutFault(requestId, spec.timeoutMs), false);
      }, spec.timeoutMs);
      pending = { requestId, timer, settle: resolve };
      const request: InvocationRequest = { requestId, payload, deadlineMs: Date.now() + spec.timeoutMs };
      worker.postMessage(request, []);
      Atomics.add(counter, 0, 1);
      Atomics.notify(counter, 0);
      return promise;
    },
    kill: (reason) => end(exitFault(pending?.requestId ?? '', reason), true),
  };
}

function timeoutFault(requestId: string, timeoutMs: number): FunctionFault {
  return {
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`,
    trace: [],
  };
}

function exitFault(requestId: string, reason: string): FunctionFault {
  return {
    errorType: 'Runtime.ExitError',
    errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: ${reason}`,
    trace: [],
  };
}
