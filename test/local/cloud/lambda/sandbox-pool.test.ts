import { afterEach, describe, expect, it } from 'vitest';

import type { FunctionSpec } from '../../../../local/cloud/lambda/function-spec.ts';
import { makeSandboxPool } from '../../../../local/cloud/lambda/sandbox-pool.ts';
import type { SandboxPool } from '../../../../local/cloud/lambda/sandbox-pool.ts';
import { writeProbeFunction } from '../fixtures/probe-function.ts';

const probe = writeProbeFunction();

const spec: FunctionSpec = {
  name: 'probe',
  arn: 'arn:aws:lambda:us-east-1:000000000000:function:probe',
  modulePath: probe,
  exportName: 'handler',
  timeoutMs: 2_000,
  memoryMb: 64,
  env: { GREETING: 'hello' },
  maxConcurrency: 2,
};

let pool: SandboxPool;
const lines: string[] = [];

afterEach(async () => {
  await pool.stop();
  lines.length = 0;
});

function open(changes: Partial<FunctionSpec> = {}): SandboxPool {
  pool = makeSandboxPool({ ...spec, ...changes }, (line) => lines.push(line));
  return pool;
}

async function call(what: object): Promise<unknown> {
  const result = await pool.invoke(JSON.stringify(what));
  return result.kind === 'returned' ? JSON.parse(result.payload) : result;
}

describe('a pool of sandboxes', () => {
  it('gives the function its own environment and a Lambda context', async () => {
    open();

    const seen = (await call({ a: 1 })) as Record<string, unknown>;

    expect(seen).toMatchObject({ event: { a: 1 }, env: { GREETING: 'hello' }, name: 'probe', arn: spec.arn });
    expect(seen['env']).toEqual({ GREETING: 'hello' });
    expect(seen['remainingMs']).toBeGreaterThan(0);
    expect(seen['remainingMs']).toBeLessThanOrEqual(2_000);
  });

  it('freezes what a handler leaves running until the next invocation', async () => {
    open({ maxConcurrency: 1 });
    await call({ do: 'leak' });
    const before = performance.now();
    while (performance.now() - before < 60) await new Promise((resolve) => setImmediate(resolve));

    const ticks = (await call({ do: 'ticks' })) as number;

    expect(ticks).toBeLessThanOrEqual(2);
  });

  it('reports an error of the function with its type, message and trace', async () => {
    open();

    const result = await call({ do: 'throw' });

    expect(result).toMatchObject({
      kind: 'failed',
      lost: false,
      fault: { errorType: 'RangeError', errorMessage: 'out of bounds' },
    });
  });

  it('ends a function at its timeout and starts afresh for the next invocation', async () => {
    open({ timeoutMs: 400, maxConcurrency: 1 });

    const result = await call({ do: 'hang' });
    const next = await call({ do: 'invocations' });

    expect(result).toMatchObject({ fault: { errorType: 'Sandbox.Timedout' }, lost: false });
    expect(next).toBe(1);
  });

  it('reports an invocation as lost when its sandbox exits or is killed', async () => {
    open({ maxConcurrency: 1 });
    const hanging = call({ do: 'hang' });
    const other = call({ do: 'invocations' });
    while (pool.counts().busy === 0) await new Promise((resolve) => setImmediate(resolve));

    const killed = await pool.kill('killed on purpose');

    expect(killed).toBe(1);
    expect(await hanging).toMatchObject({ fault: { errorType: 'Runtime.ExitError' }, lost: true });
    expect(await other).toBe(1);
    expect(await call({ do: 'exit' })).toMatchObject({
      fault: { errorType: 'Runtime.ExitError' },
      lost: true,
    });
  });

  it('starts no more sandboxes than the function may have', async () => {
    open({ maxConcurrency: 2 });

    await Promise.all(Array.from({ length: 20 }, (_value, index) => call({ index })));

    expect(pool.counts()).toEqual({ sandboxes: 2, busy: 0, waiting: 0 });
  });

  it('says which bundle does not load', async () => {
    open({ modulePath: '/nowhere/index.mjs' });

    const result = await call({});

    expect(result).toMatchObject({ kind: 'failed', fault: { errorType: 'Error' } });
    expect(lines.join('\n')).toContain('/nowhere/index.mjs');
  });

  it('refuses payloads beyond 6 MB', async () => {
    open();

    const result = await call({ text: 'x'.repeat(6 * 1024 * 1024) });

    expect(result).toMatchObject({ fault: { errorType: 'Function.RequestSizeTooLarge' } });
  });

  it('passes console output on as log lines', async () => {
    open();

    await call({ do: 'log' });

    expect(lines).toContain("a line { of: 'values' }");
  });
});
