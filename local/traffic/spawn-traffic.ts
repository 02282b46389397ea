import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import {
  trafficMethods,
  trafficOptionsVariable,
  type TrafficMethod,
  type TrafficReply,
} from './traffic-messages.ts';
import type { TrafficControl, TrafficOptions } from './traffic-control.ts';
import { smallProcess } from '../cloud/small-process.ts';

export interface TrafficProcess extends TrafficControl {
  readonly pid: number;
}

/**
 * Starts users in a process of their own, which ends with this one. Resolves when they have begun. What the process
 * prints is appended to `logPath`.
 */
export async function spawnTraffic(options: TrafficOptions, logPath: string): Promise<TrafficProcess> {
  const log = openSync(logPath, 'a');
  const child = fork(fileURLToPath(new URL('main.ts', import.meta.url)), [], {
    env: { ...process.env, [trafficOptionsVariable]: JSON.stringify(options) },
    execArgv: [...smallProcess],
    stdio: ['ignore', log, log, 'ipc'],
    // An interrupt at the terminal is for the parent, which then stops the users in order.
    detached: true,
  });
  closeSync(log);
  const calls = makeCalls(child);
  await calls.ready;
  const call =
    (method: TrafficMethod) =>
    (...args: unknown[]) =>
      calls.call(method, args);
  const methods = Object.fromEntries(trafficMethods.map((method) => [method, call(method)]));
  return {
    ...(methods as unknown as TrafficControl),
    pid: child.pid ?? 0,
    async stop() {
      const stats = await calls.call('stop', []);
      child.disconnect();
      return stats as Awaited<ReturnType<TrafficControl['stop']>>;
    },
  };
}

function makeCalls(child: ChildProcess): {
  readonly ready: Promise<void>;
  call(method: TrafficMethod, args: readonly unknown[]): Promise<unknown>;
} {
  const ready = Promise.withResolvers<void>();
  const open = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  const fail = (error: Error): void => {
    ready.reject(error);
    for (const call of open.values()) call.reject(error);
    open.clear();
  };
  child.on('message', (message) => {
    const reply = message as TrafficReply;
    if (reply.kind === 'ready') ready.resolve();
    else if (reply.kind === 'failed') fail(new Error(reply.message));
    else {
      const call = open.get(reply.id);
      open.delete(reply.id);
      if (reply.kind === 'answer') call?.resolve(reply.value);
      else call?.reject(new Error(reply.message));
    }
  });
  child.once('error', fail);
  child.once('exit', (code, signal) => {
    fail(new Error(`the process of the users ended (${signal ?? `exit code ${code}`})`));
  });
  return {
    ready: ready.promise,
    call(method, args) {
      lastId += 1;
      const answer = Promise.withResolvers<unknown>();
      open.set(lastId, answer);
      child.send({ id: lastId, method, args });
      return answer.promise;
    },
  };
}
