import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { actionOf, isAllowed } from '../../../../local/cloud/lambda/guard-calls.ts';
import { makeSandboxPool, type SandboxPool } from '../../../../local/cloud/lambda/sandbox-pool.ts';
import { writeProbeFunction } from '../fixtures/probe-function.ts';

describe('the action of a call', () => {
  it.each([
    ['DynamoDB_20120810.PutItem', 'dynamodb:PutItem'],
    ['AmazonSQS.SendMessageBatch', 'sqs:SendMessageBatch'],
    ['AWSStepFunctions.StartExecution', 'states:StartExecution'],
    ['Unknown_1.PutItem', null],
    ['DynamoDB_20120810', null],
  ])('%s is %s', (target, action) => {
    expect(actionOf(target)).toBe(action);
  });

  it.each([
    ['dynamodb:PutItem', ['dynamodb:PutItem'], true],
    ['dynamodb:PutItem', ['dynamodb:UpdateItem'], false],
    ['dynamodb:PutItem', ['dynamodb:*'], true],
    ['dynamodb:TransactWriteItems', ['dynamodb:PutItem'], true],
    ['dynamodb:TransactWriteItems', ['dynamodb:GetItem'], false],
    ['dynamodb:BatchExecuteStatement', ['dynamodb:PartiQLInsert'], true],
    ['dynamodb:BatchExecuteStatement', ['dynamodb:PutItem'], false],
    ['sqs:SendMessageBatch', ['sqs:SendMessage'], true],
  ])('%s under %j is allowed: %s', (action, allowed, expected) => {
    expect(isAllowed(action, allowed)).toBe(expected);
  });
});

describe('a function whose role allows little', () => {
  const seen: unknown[] = [];
  const lines: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers['x-amz-target']);
    response.end('{}');
  });
  const flatStore = createServer((_request, response) => response.end('{}'));
  let pool: SandboxPool;
  let url = '';
  let flatUrl = '';
  beforeAll(async () => {
    url = await listening(server);
    flatUrl = await listening(flatStore);
    pool = makeSandboxPool(
      {
        name: 'probe',
        arn: 'arn:aws:lambda:us-east-1:000000000000:function:probe',
        modulePath: writeProbeFunction(),
        exportName: 'handler',
        timeoutMs: 5_000,
        memoryMb: 64,
        env: { SOURCE: JSON.stringify({ kind: 'dynamodb', prefix: 'shop-', endpoint: flatUrl }) },
        maxConcurrency: 1,
        allowedActions: ['dynamodb:GetItem'],
      },
      (line) => lines.push(line),
    );
  });
  afterAll(async () => {
    await pool.stop();
    await Promise.all([server, flatStore].map((each) => new Promise((resolve) => each.close(resolve))));
  });
  const call = async (target: string, to = url): Promise<unknown> => {
    const result = await pool.invoke(JSON.stringify({ do: 'call', url: to, target }));
    return result.kind === 'returned' ? JSON.parse(result.payload) : result;
  };

  it('makes the calls that are allowed', async () => {
    expect(await call('DynamoDB_20120810.GetItem')).toBe(200);
  });

  it('is refused any other before it leaves, by name, and the log says so', async () => {
    const answer = await call('DynamoDB_20120810.PutItem');

    expect(answer).toBe('AccessDeniedException: probe is not authorized to perform: dynamodb:PutItem');
    expect(seen).not.toContain('DynamoDB_20120810.PutItem');
    expect(lines.join('\n')).toContain('ACCESS DENIED');
  });

  it('may call the engine of a flat store that is not in the account as it likes', async () => {
    expect(await call('DynamoDB_20120810.PutItem', flatUrl)).toBe(200);
  });
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
