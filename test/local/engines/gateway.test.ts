import * as http from 'node:http';

import { CloudWatchClient, ListDashboardsCommand } from '@aws-sdk/client-cloudwatch';
import { expect, test } from 'vitest';

import { startEngines } from '../../../local/engines/start-engines.ts';
import { runEngines } from './running-engines.ts';

function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on('error', reject);
  });
}

test('only requests that name this machine and come from no web page are served', async () => {
  const { url, port } = await runEngines();
  const path = `${url}/applications`;

  expect(await statusOf(path, {})).toBe(200);
  expect(await statusOf(path, { host: `000000000000.localhost:${port}` })).toBe(200);
  expect(await statusOf(path, { host: `evil.example:${port}` })).toBe(403);
  expect(await statusOf(path, { host: '127.0.0.1:1' })).toBe(403);
  expect(await statusOf(path, { origin: 'http://localhost:3000' })).toBe(403);
});

test('an operation that the engines lack answers 501 and says so', async () => {
  await runEngines();
  const client = new CloudWatchClient({ maxAttempts: 1 });

  await expect(client.send(new ListDashboardsCommand({}))).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('ListDashboards') as string,
    $metadata: { httpStatusCode: 501 },
  });
});

test('a port that is taken is an error with the port in it', async () => {
  const { port } = await runEngines();
  const functions = { invoke: () => Promise.resolve({ kind: 'missing' as const }), list: () => [] };

  await expect(startEngines({ functions, port })).rejects.toMatchObject({
    name: 'PortTaken',
    facts: { port },
  });
});
