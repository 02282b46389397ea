import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { HalError } from '../../lib/kernel/errors.ts';
import { identifyProcess, isSameProcessAlive } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { projectRoot } from './project-root.ts';

const pollMs = 100;
const abandonedAfterMs = 10_000;

/**
 * Directory of the synthesized app, made anew when a source of it changed. One synthesis at a time: clouds that
 * start together wait for the one that began. Throws SynthesisFailed.
 */
export async function freshAssembly(onProgress: (line: string) => void): Promise<string> {
  const directory = join(projectRoot, 'cdk.out');
  if (await isFresh(directory)) return directory;
  const release = await takeLock();
  try {
    if (await isFresh(directory)) return directory;
    onProgress('Synthesizing the templates (once per change of the sources) ...');
    const { code, output } = await runNode(['cdk/synth.ts']);
    if (code !== 0) throw synthesisFailed(output);
    return directory;
  } finally {
    release();
  }
}

/** Asks the CDK app's own record, in its own process: the local cloud does not import the app. */
async function isFresh(directory: string): Promise<boolean> {
  const question = `import { inputsUnchanged } from './cdk/synth-inputs.ts';
process.exit(inputsUnchanged(${JSON.stringify(directory)}, process.env.HAL9_DEPLOY_FILE) ? 0 : 1);`;
  const { code } = await runNode(['--input-type=module', '--eval', question]);
  return code === 0;
}

async function runNode(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [...args], { cwd: projectRoot, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output: Buffer.concat(chunks).toString() };
}

async function takeLock(): Promise<() => void> {
  const name = createHash('sha256').update(projectRoot).digest('hex').slice(0, 16);
  const path = join(tmpdir(), `hal9-synth-${name}.lock`);
  const own = JSON.stringify(identifyProcess(process.pid));
  for (;;) {
    try {
      writeFileSync(path, own, { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (!isHeld(path)) rmSync(path, { force: true });
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function isHeld(path: string): boolean {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
    return isSameProcessAlive(holder);
  } catch {
    // Just released, or not written yet; one that stays so was left by a process killed between the two.
    return ageMs(path) < abandonedAfterMs;
  }
}

function ageMs(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 0 : Date.now() - found.mtimeMs;
}

function synthesisFailed(output: string): HalError {
  return new HalError({
    name: 'SynthesisFailed',
    message: `The templates could not be synthesized: ${output.trim().split('\n').slice(-20).join('\n')}`,
    remedy: 'Run `npm run synth` and correct what it names.',
    exit: 'unavailable',
    facts: {},
  });
}
