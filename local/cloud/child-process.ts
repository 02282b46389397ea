import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

import { HalError } from '../../lib/kernel/errors.ts';
import { endProcess } from './leftovers.ts';
import { identifyProcess } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its output is appended here. */
  readonly logPath: string;
  /** Opens an IPC channel; the child says there when it is ready. */
  readonly ipc: boolean;
}

/** A process of the cloud. It ends when its stdin (or its IPC channel) closes, so it never outlives the cloud. */
export interface Child {
  readonly name: string;
  readonly identity: ProcessIdentity;
  readonly process: ChildProcess;
  /** Resolves when it has ended, by whatever cause. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

export function startChild(spec: ChildSpec): Child {
  const log = openSync(spec.logPath, 'a');
  const child = spawn(spec.command, [...spec.args], {
    env: { ...spec.env },
    // A group of its own: an interrupt at the terminal reaches the cloud only, which then stops in order.
    detached: true,
    stdio: spec.ipc ? ['pipe', log, log, 'ipc'] : ['pipe', log, log],
  });
  closeSync(log);
  child.stdin?.on('error', () => undefined);
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => resolve(code));
    child.on('error', () => resolve(null));
  });
  const identity = identifyProcess(child.pid ?? -1) ?? { pid: child.pid ?? -1, startedAt: 'gone' };
  return {
    name: spec.name,
    identity,
    process: child,
    ended,
    async stop() {
      child.stdin?.end();
      if (child.connected) child.disconnect();
      await endProcess(identity);
      await ended;
    },
  };
}

/**
 * Waits for the child's first message of kind `ready`. Throws ChildFailed with the end of its log when it ends
 * first or takes longer than `withinMs`.
 */
export async function whenReady(child: Child, logPath: string, withinMs: number): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const timer = setTimeout(
    () => reject(childFailed(child, logPath, `not ready within ${withinMs} ms`)),
    withinMs,
  );
  child.process.on('message', (message: unknown) => {
    if ((message as { kind?: unknown } | null)?.kind === 'ready') resolve(message);
  });
  void child.ended.then((code) => reject(childFailed(child, logPath, `it ended with code ${String(code)}`)));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

export function childFailed(child: Pick<Child, 'name'>, logPath: string, reason: string): HalError {
  return new HalError({
    name: 'ChildFailed',
    message: `The ${child.name} of the local cloud did not start: ${reason}. ${lastLines(logPath)}`.trim(),
    remedy: `Read ${logPath}.`,
    exit: 'unavailable',
    facts: { child: child.name, logPath, reason },
  });
}

function lastLines(logPath: string): string {
  try {
    return readFileSync(logPath, 'utf8').trim().split('\n').slice(-5).join('\n');
  } catch {
    return '';
  }
}
