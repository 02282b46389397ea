import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import type { Job, JobResult } from './job.ts';

/** Inside the project, so that the peers are found in its node_modules. */
const bundle = fileURLToPath(new URL('../../.hal9/bench/alone.mjs', import.meta.url));

/** For our own work, so that its memory is what it needs; peers hold their items and may take what they want. */
const heapFlags = ['--max-old-space-size=128', '--max-semi-space-size=16'];
const limited = new Set<Job['way']>(['safe-copy', 'verify', 'find-wrong-records']);

/** Bundled as the functions are: what a worker loads is what it needs. */
export async function bundleWays(): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('./alone.ts', import.meta.url))],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: { js: "import{createRequire as _cr}from'node:module';const require=_cr(import.meta.url);" },
    external: ['copy-dynamodb-table', '@aws/dynamodb-batch-iterator'],
    logLevel: 'error',
  });
}

/** Runs one way of copying or comparing in a process of its own, so that none meets the heap of another. */
export async function runAlone(job: Job): Promise<JobResult> {
  const profiled = process.env['BENCH_CPU_PROF'] === job.way;
  const profiling = profiled ? ['--cpu-prof', '--cpu-prof-dir=.hal9/profiles'] : [];
  const child = spawn(
    process.execPath,
    [...(limited.has(job.way) ? heapFlags : []), ...profiling, bundle, JSON.stringify(job)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1' },
    },
  );
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${job.way} ended with ${String(code)}: ${complaints}`);
  return JSON.parse(output) as JobResult;
}
