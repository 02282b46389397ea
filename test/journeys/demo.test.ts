import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import type { DemoSummary } from '../../local/demo/demo-summary.ts';

const program = join(import.meta.dirname, '../../cli/main.ts');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runProgram(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk.toString()));
  child.once('close', (code) => resolve({ code, ...out }));
  return promise;
}

test(
  'a small demo loses nothing over two rollbacks, and says so in one document',
  { timeout: 400_000 },
  async () => {
    const { code, stdout, stderr } = await runProgram(
      'demo --json --records 2500 --seed 2 --rate 200 --time-scale 86400'.split(' '),
    );

    const summary = JSON.parse(stdout) as DemoSummary & { kind: string };
    expect({ stderr, failures: summary.failures }).toEqual({ stderr, failures: [] });
    expect(code).toBe(0);
    expect(summary).toMatchObject({
      kind: 'DemoSummary',
      outcome: 'completed',
      traffic: { failed: 0 },
      history: { lostWrites: 0, staleReads: 0, resurrections: 0, unexplainedReads: 0 },
      state: { mismatches: 0, missing: 0, extra: 0, pending: 0 },
      dataDir: null,
    });
    expect(Object.keys(summary.state.byCategory)).toHaveLength(5);
    expect(summary.state.total).toBe(
      summary.state.verified + summary.state.quarantined + summary.state.tombstoned,
    );
    const injected = summary.rollbacks.filter((rollback) => rollback.injected !== null);
    expect(injected.map(({ fromPhase, toPhase }) => `${fromPhase} to ${toPhase}`)).toEqual([
      'canary to shadow',
      'full to canary',
    ]);
    expect(injected.every(({ trigger }) => trigger.startsWith('alarm:'))).toBe(true);
  },
);

test('a demo whose users meet a planted bug fails and names it', { timeout: 200_000 }, async () => {
  const { code, stdout } = await runProgram(
    ['demo', '--json', '--no-faults', '--records', '400', '--rate', '200', '--time-scale', '86400'],
    { HAL9_DEMO_PLANT: 'stale-read' },
  );

  const summary = JSON.parse(stdout) as DemoSummary;
  expect(code).toBe(1);
  expect(summary.outcome).toBe('failed');
  expect(summary.history.staleReads).toBeGreaterThan(0);
});

test.each([
  ['--records', '0'],
  ['--rate', '-1'],
  ['--time-scale', 'NaN'],
  ['--seed', '1.5'],
])('%s cannot be %s', async (option, value) => {
  const { code, stderr } = await runProgram(['demo', option, value]);

  expect(code).toBe(2);
  expect(stderr).toContain(option);
});
