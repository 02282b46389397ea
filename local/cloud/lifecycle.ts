import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { HalError } from '../../lib/kernel/errors.ts';
import type { ExitCodeName } from '../../lib/kernel/errors.ts';
import { readCloudFile, readRunningCloud, removeCloudFile } from './cloud-file.ts';
import type { CloudFile } from './cloud-file.ts';
import { openDataDirectory } from './data-directory.ts';
import { cleanLeftovers, endChildren, endProcess } from './leftovers.ts';
import type { LocalCloudOptions } from './local-cloud.ts';
import { isSameProcessAlive } from './process-identity.ts';
import { manyIsolates } from './small-process.ts';
import { optionsVariable } from './supervisor-messages.ts';
import type { SupervisorReport } from './supervisor-messages.ts';

/** A supervisor first ends its functions, then its children; this is what it may take. */
const stopWithinMs = 15_000;

/** Starts a local cloud in a process of its own and returns when it is ready. Throws what `startLocalCloud` throws. */
export async function startDetachedCloud(options: LocalCloudOptions): Promise<CloudFile> {
  const dataDir = resolve(options.dataDir);
  const { logs } = openDataDirectory(dataDir);
  const log = openSync(join(logs, 'supervisor.log'), 'a');
  const { onProgress, ...plain } = options;
  const supervisor = fork(join(import.meta.dirname, 'main.ts'), [], {
    detached: true,
    // Fewer arenas: two dozen threads would each keep memory of their own that nobody uses any more.
    env: { MALLOC_ARENA_MAX: '2', ...process.env, [optionsVariable]: JSON.stringify({ ...plain, dataDir }) },
    execArgv: [...manyIsolates],
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  await readyOrFailed(supervisor, onProgress ?? ignore);
  supervisor.disconnect();
  supervisor.unref();
  const cloud = readRunningCloud(dataDir);
  if (cloud === null) throw supervisorEnded('it was ready and is gone');
  return cloud;
}

function ignore(): void {
  // Nobody asked to know.
}

function readyOrFailed(supervisor: ChildProcess, onProgress: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    supervisor.on('message', (message) => {
      const report = message as SupervisorReport;
      if (report.kind === 'progress') onProgress(report.line);
      else if (report.kind === 'ready') resolve();
      else reject(faultOf(report));
    });
    supervisor.once('error', reject);
    supervisor.once('exit', (code) => reject(supervisorEnded(`it ended with code ${String(code)}`)));
  });
}

function faultOf(report: Extract<SupervisorReport, { kind: 'failed' }>): Error {
  if (report.fault === null) return supervisorEnded(report.message);
  return new HalError({ ...report.fault, exit: report.fault.exit as ExitCodeName, message: report.message });
}

function supervisorEnded(reason: string): HalError {
  return new HalError({
    name: 'LocalCloudFailed',
    message: `The local cloud did not start: ${reason}`,
    remedy: 'Read logs/supervisor.log and logs/cloud.log in the data directory.',
    exit: 'unavailable',
    facts: { reason },
  });
}

export type StopResult =
  | { readonly kind: 'stopped'; readonly pid: number }
  /** A killed cloud had left something behind, which is gone now. */
  | { readonly kind: 'cleaned'; readonly orphans: readonly string[] }
  | { readonly kind: 'not-running' };

/** Stops the local cloud of a data directory, or cleans up after one that was killed. Throws CloudFileCorrupt. */
export async function stopCloud(dataDir: string): Promise<StopResult> {
  const root = resolve(dataDir);
  const cloud = readCloudFile(root);
  if (cloud === null) return { kind: 'not-running' };
  if (!isSameProcessAlive(cloud.supervisor)) {
    return { kind: 'cleaned', orphans: (await cleanLeftovers(root)) ?? [] };
  }
  await endProcess(cloud.supervisor, stopWithinMs);
  await endChildren(cloud);
  removeCloudFile(root);
  return { kind: 'stopped', pid: cloud.pid };
}

export type CloudStatus =
  | { readonly kind: 'running'; readonly cloud: CloudFile }
  | { readonly kind: 'starting'; readonly pid: number }
  | { readonly kind: 'cleaned'; readonly orphans: readonly string[] }
  | { readonly kind: 'not-running' };

/** What runs in a data directory; cleans up after a cloud that was killed. Throws CloudFileCorrupt. */
export async function cloudStatus(dataDir: string): Promise<CloudStatus> {
  const root = resolve(dataDir);
  const orphans = await cleanLeftovers(root);
  if (orphans !== null) return { kind: 'cleaned', orphans };
  const cloud = readCloudFile(root);
  if (cloud === null) return { kind: 'not-running' };
  return cloud.state === 'ready' ? { kind: 'running', cloud } : { kind: 'starting', pid: cloud.pid };
}
