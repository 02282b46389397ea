import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * How long a person waits before anything is on the screen: the CLI's help beside an empty Node process and two
 * other CLIs of the same tree, and a local cloud from `up` to ready. The floor is the empty process.
 * Run: node bench/startup.ts [--json]
 */
const rounds = 11;
const cli = join(import.meta.dirname, '../bin/hal9-migrate.mjs');
const bin = (name: string): string => join(import.meta.dirname, '../node_modules/.bin', name);

function medianMs(run: () => void): number {
  const times = Array.from({ length: rounds }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  return times.toSorted((left, right) => left - right)[rounds >> 1] ?? Number.NaN;
}

function quietly(command: string, args: readonly string[]): void {
  execFileSync(command, [...args], { stdio: 'ignore' });
}

/** The second start, so that the templates are synthesized. */
function upMs(): number {
  const data = mkdtempSync(join(tmpdir(), 'hal9-bench-'));
  try {
    const times = [0, 1].map(() => {
      const startedAt = performance.now();
      quietly(process.execPath, [cli, 'local', 'up', '--detach', '--data', data, '--rate', '0']);
      const tookMs = performance.now() - startedAt;
      spawnSync(process.execPath, [cli, 'local', 'down', '--data', data], { stdio: 'ignore' });
      return tookMs;
    });
    return times[1] ?? Number.NaN;
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

const baseMs = medianMs(() => quietly(process.execPath, ['-e', '0']));
const rows = [
  { what: 'empty Node process', ms: baseMs },
  { what: 'hal9-migrate --help', ms: medianMs(() => quietly(process.execPath, [cli, '--help'])) },
  { what: 'esbuild --help', ms: medianMs(() => quietly(bin('esbuild'), ['--help'])) },
  { what: 'cdk --help', ms: medianMs(() => quietly(bin('cdk'), ['--help', '--no-notices'])) },
  { what: 'local up --detach, templates ready', ms: upMs() },
].map((row) => ({ ...row, timesEmptyProcess: row.ms / baseMs }));

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ rounds, rows }, null, 2));
} else {
  for (const { what, ms, timesEmptyProcess } of rows) {
    console.log(
      `${what.padEnd(36)} ${ms.toFixed(0).padStart(6)} ms  ${timesEmptyProcess.toFixed(1).padStart(5)} x`,
    );
  }
}
