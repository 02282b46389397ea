import type { FunctionSpec } from './function-spec.ts';
import { payloadLimitBytes } from './invocation.ts';
import type { InvocationResult } from './invocation.ts';
import { startSandbox } from './sandbox.ts';
import type { Sandbox } from './sandbox.ts';

/** A sandbox that nobody used for this long is ended, except the last one of its function. */
const spareIdleMs = 5_000;
/** The last sandbox of a function goes too after this long. */
const lastIdleMs = 12_000;

/** The sandboxes of one function. They are started when the first invocation needs them. */
export interface SandboxPool {
  readonly spec: FunctionSpec;
  /** Waits for a free sandbox; never rejects. */
  invoke(payload: string): Promise<InvocationResult>;
  /** Starts one sandbox ahead of the first invocation. */
  warm(): void;
  /** Ends every sandbox; invocations under way are lost. Returns how many were ended. */
  kill(reason: string): Promise<number>;
  /** Refuses further invocations and ends every sandbox. */
  stop(): Promise<void>;
  counts(): { readonly sandboxes: number; readonly busy: number; readonly waiting: number };
}

interface IdleSandbox {
  readonly sandbox: Sandbox;
  readonly since: number;
}

interface PoolState {
  readonly all: Set<Sandbox>;
  readonly idle: IdleSandbox[];
  readonly waiting: ((sandbox: Sandbox | null) => void)[];
  stopped: boolean;
}

export function makeSandboxPool(spec: FunctionSpec, log: (line: string) => void): SandboxPool {
  const state: PoolState = { all: new Set(), idle: [], waiting: [], stopped: false };
  const reaper = setInterval(() => void reap(state), 2_500);
  reaper.unref();
  const start = (): Sandbox => {
    const sandbox = startSandbox(spec, log);
    state.all.add(sandbox);
    return sandbox;
  };

  return {
    spec,
    async invoke(payload) {
      if (Buffer.byteLength(payload) > payloadLimitBytes) return tooLarge('Request', payload);
      const sandbox = await acquire(state, spec, start);
      if (sandbox === null) return stoppedResult(spec);
      const result = await sandbox.invoke(payload);
      release(state, sandbox, start);
      if (result.kind === 'returned' && Buffer.byteLength(result.payload) > payloadLimitBytes) {
        return tooLarge('Response', result.payload);
      }
      return result;
    },
    warm() {
      if (state.all.size === 0) state.idle.push({ sandbox: start(), since: Date.now() });
    },
    async kill(reason) {
      const victims = [...state.all];
      state.idle.length = 0;
      state.all.clear();
      await Promise.all(victims.map((sandbox) => sandbox.kill(reason)));
      return victims.length;
    },
    async stop() {
      state.stopped = true;
      clearInterval(reaper);
      for (const wake of state.waiting.splice(0)) wake(null);
      await this.kill('the local cloud stops');
    },
    counts: () => ({
      sandboxes: state.all.size,
      busy: state.all.size - state.idle.length,
      waiting: state.waiting.length,
    }),
  };
}

async function acquire(state: PoolState, spec: FunctionSpec, start: () => Sandbox): Promise<Sandbox | null> {
  if (state.stopped) return null;
  for (let next = state.idle.pop(); next !== undefined; next = state.idle.pop()) {
    if (!next.sandbox.dead) return next.sandbox;
    state.all.delete(next.sandbox);
  }
  if (state.all.size < spec.maxConcurrency) return start();
  return new Promise((resolve) => state.waiting.push(resolve));
}

function release(state: PoolState, sandbox: Sandbox, start: () => Sandbox): void {
  if (sandbox.dead) state.all.delete(sandbox);
  // A killed sandbox has left the set before its invocation came back.
  const usable = state.all.has(sandbox);
  const wake = state.waiting.shift();
  if (wake !== undefined) wake(state.stopped ? null : usable ? sandbox : start());
  else if (usable) state.idle.push({ sandbox, since: Date.now() });
}

async function reap(state: PoolState): Promise<void> {
  const now = Date.now();
  const oldest = state.idle[0];
  if (oldest === undefined) return;
  const limit = state.all.size > 1 ? spareIdleMs : lastIdleMs;
  if (now - oldest.since < limit) return;
  state.idle.shift();
  state.all.delete(oldest.sandbox);
  await oldest.sandbox.kill('idle');
}

function tooLarge(what: 'Request' | 'Response', payload: string): InvocationResult {
  const errorMessage = `${what} payload size (${Buffer.byteLength(payload)} bytes) exceeded maximum allowed payload size (${payloadLimitBytes} bytes).`;
  return {
    kind: 'failed',
    fault: { errorType: `Function.${what}SizeTooLarge`, errorMessage, trace: [] },
    requestId: '',
    lost: false,
  };
}

function stoppedResult(spec: FunctionSpec): InvocationResult {
  return {
    kind: 'failed',
    fault: { errorType: 'Runtime.ExitError', errorMessage: `${spec.name} is stopped`, trace: [] },
    requestId: '',
    lost: true,
  };
}
