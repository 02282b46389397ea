import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';

import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';

import { resourceNames } from '../../lib/kernel/resource-names.ts';

type TableNames = ReturnType<typeof resourceNames>['tables'];

export interface TestDynamo {
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  readonly streams: DynamoDBStreamsClient;
  /** Fresh tables under a prefix of their own, as the state stack makes them. */
  createTables(): Promise<TableNames>;
  stop(): Promise<void>;
}

/**
 * A DynamoDB on this machine: `LOCAL_DDB_ENDPOINT`, or a process of its own on a free port, which keeps its tables in
 * memory or in the file that is named.
 */
export async function startDynamo({ databasePath }: { databasePath?: string } = {}): Promise<TestDynamo> {
  const running = databasePath === undefined ? process.env['LOCAL_DDB_ENDPOINT'] : undefined;
  const engine = running === undefined ? await startEngine(databasePath) : null;
  const endpoint = running ?? engine?.endpoint ?? '';
  const client = localDynamoClient(endpoint);
  const streams = new DynamoDBStreamsClient(localSettings(endpoint));
  await untilAnswering(client, engine?.child ?? null);
  const created: string[] = [];
  return {
    endpoint,
    client,
    streams,
    async createTables() {
      const { tables } = resourceNames(`test-${randomBytes(4).toString('hex')}`);
      await Promise.all(Object.entries(tables).map(([purpose, name]) => createTable(client, purpose, name)));
      created.push(...Object.values(tables));
      return tables;
    },
    async stop() {
      // A shared engine is left as it was found.
      if (engine === null) {
        await Promise.all(created.map((TableName) => client.send(new DeleteTableCommand({ TableName }))));
      }
      client.destroy();
      streams.destroy();
      await engine?.stop();
    },
  };
}

function localDynamoClient(endpoint: string): DynamoDBClient {
  return new DynamoDBClient(localSettings(endpoint));
}

function localSettings(endpoint: string) {
  return {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    retryMode: 'standard',
    maxAttempts: 8,
  };
}

async function createTable(client: DynamoDBClient, purpose: string, name: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: name,
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      ...(purpose === 'state'
        ? { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' as const } }
        : {}),
    }),
  );
  if (purpose !== 'state' && purpose !== 'shadow') return;
  await client.send(
    new UpdateTimeToLiveCommand({
      TableName: name,
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    }),
  );
}

async function startEngine(
  databasePath?: string,
): Promise<{ endpoint: string; child: ChildProcess; stop(): Promise<void> }> {
  const port = await freePort();
  const place = databasePath === undefined ? [] : ['--db-path', databasePath];
  const child = spawn(engineBinary(), ['serve', '--port', String(port), ...place], { stdio: 'ignore' });
  // A test runner that dies must not leave its engine behind.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    child,
    async stop() {
      process.off('exit', kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function engineBinary(): string {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/dynoxide`);
  } catch {
    if (spawnSync('dynoxide', ['--version'], { stdio: 'ignore' }).status === 0) return 'dynoxide';
    throw new Error(
      `No local DynamoDB: set LOCAL_DDB_ENDPOINT, install ${name}, or put dynoxide on the path.`,
    );
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return address.port;
}

async function untilAnswering(client: DynamoDBClient, child: ChildProcess | null): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      await client.send(new ListTablesCommand({ Limit: 1 }));
      return;
    } catch (fault) {
      const isDead = child !== null && child.exitCode !== null;
      if (isDead || performance.now() > deadline) {
        throw new Error('the local DynamoDB does not answer', { cause: fault });
      }
    }
  }
}
