import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';

import { clientDefaults } from '../../../lib/aws/clients.ts';

test('a client outlives the sockets that died while its sandbox was frozen', async () => {
  let requestCount = 0;
  const server = createServer((request, response) => {
    requestCount += 1;
    if (requestCount <= 3) {
      request.socket.resetAndDestroy();
      return;
    }
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end('{"TableNames":["state"]}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new DynamoDBClient({
    ...clientDefaults({ region: 'us-east-1' }),
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });

  const answer = await client.send(new ListTablesCommand({}));

  expect(answer.TableNames).toEqual(['state']);
  expect(requestCount).toBe(4);
  client.destroy();
  server.close();
});
