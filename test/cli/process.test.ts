import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { describe, expect, test } from 'vitest';

const program = resolve('bin/hal9-migrate.mjs');
const nowhere = mkdtempSync(join(tmpdir(), 'hal9-process-'));

/** A Node of the machine that cannot strip types, if there is one. */
const oldNode = ['/usr/local/bin/node', '/usr/bin/node'].find(
  (path) => existsSync(path) && majorOf(path) < 22,
);

function majorOf(node: string): number {
  return Number(/^v(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[1] ?? 99);
}

function plainEnv(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: nowhere, ...more };
}

describe.skipIf(oldNode === undefined)(
  'under a Node that is too old, the bundled one runs the command',
  () => {
    const node = oldNode ?? '';

    test('output and exit code come through', () => {
      const version = spawnSync(node, [program, '--version'], { env: plainEnv(), encoding: 'utf8' });
      const failed = spawnSync(node, [program, 'status', '--data', nowhere, '--json'], {
        env: plainEnv(),
        encoding: 'utf8',
      });

      expect(version).toMatchObject({ status: 0, stdout: '0.1.0\n', stderr: '' });
      expect(failed.status).toBe(11);
      expect(JSON.parse(failed.stdout)).toMatchObject({ kind: 'Error' });
    });

    test.each(['SIGTERM', 'SIGINT'] as const)(
      '%s reaches it, and nothing is left running',
      async (signal) => {
        const output = join(nowhere, `${signal}.sqlite`);
        const child = spawn(node, [program, 'generate', '--records', '100000000', '-o', output], {
          env: plainEnv(),
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        await once(child.stderr, 'data');
        const [bundled = ''] = execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).split(
          '\n',
        );

        child.kill(signal);
        const [, endedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];

        expect(endedBy).toBe(signal);
        expect(existsSync(`/proc/${bundled}`)).toBe(false);
        expect(existsSync(output)).toBe(false);
      },
    );
  },
);

const hasTerminal = spawnSync('/usr/bin/script', ['--version']).status === 0;

/** What a terminal would get. */
const onTerminal = (more: Record<string, string>, redirect = ''): string =>
  spawnSync(
    '/usr/bin/script',
    ['-qec', `${process.execPath} ${program} status --data ${nowhere} ${redirect}`, '/dev/null'],
    {
      env: plainEnv({ TERM: 'xterm-256color', ...more }),
      encoding: 'utf8',
    },
  ).stdout;

describe.skipIf(!hasTerminal)('colours', () => {
  test('are for terminals, unless NO_COLOR is set', () => {
    expect(onTerminal({})).toContain('\u001B[31mError:\u001B[39m');
    expect(onTerminal({ NO_COLOR: '1' })).toMatch(/^Error: No local cloud/);
    expect(onTerminal({}, '2>&1 | cat')).toMatch(/^Error: No local cloud/);
  });
});

test('a reader that has seen enough is no fault', () => {
  const line = `${process.execPath} ${program} help exit-codes | head -1; echo "\${PIPESTATUS[0]}"`;

  const { stdout, stderr } = spawnSync('bash', ['-c', line], { env: plainEnv(), encoding: 'utf8' });

  expect({ stdout, stderr }).toEqual({ stdout: 'Exit codes\n0\n', stderr: '' });
});
