import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { HalError } from '../../../lib/kernel/errors.ts';
import { freshAssembly } from '../../../local/cloud/assembly.ts';
import { readCloudFile, readRunningCloud } from '../../../local/cloud/cloud-file.ts';
import type { CloudFile } from '../../../local/cloud/cloud-file.ts';
import { cloudStatus, startDetachedCloud, stopCloud } from '../../../local/cloud/lifecycle.ts';
import { goneWithin } from '../../../local/cloud/leftovers.ts';
import { identifyProcess, isSameProcessAlive } from '../../../local/cloud/process-identity.ts';

const root = mkdtempSync(join(tmpdir(), 'hal9-lifecycle-'));
const started: string[] = [];

// A synthesis takes longer than a test may; only the first one after a change of the sources pays for it.
beforeAll(async () => {
  await freshAssembly(() => undefined);
}, 300_000);

afterEach(async () => {
  for (const dataDir of started.splice(0)) await stopCloud(dataDir).catch(() => undefined);
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

async function up(dataDir: string, more: object = {}): Promise<CloudFile> {
  started.push(dataDir);
  return startDetachedCloud({ dataDir, records: 200, seed: 1, timeScale: 60, ...more });
}

function dataDir(name: string): string {
  return join(root, name);
}

async function faultOf(work: Promise<unknown>): Promise<HalError> {
  const fault = await work.then(
    () => null,
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(HalError);
  return fault as HalError;
}

const settings = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

async function invoke(cloud: CloudFile, functionName: string, payload: object): Promise<unknown> {
  const lambda = new LambdaClient({ ...settings, endpoint: cloud.endpoints.gatewayUrl });
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(payload) }),
  );
  expect(answer.FunctionError).toBeUndefined();
  return JSON.parse(answer.Payload?.transformToString() ?? 'null');
}

function firstUser(path: string): string {
  const store = new DatabaseSync(path, { readOnly: true });
  const row = store.prepare('SELECT id FROM flat_users ORDER BY id LIMIT 1').get();
  store.close();
  return String(row?.['id']);
}

describe('a detached local cloud', () => {
  it('serves the generated store through the edge, survives a kill with its data, and stops cleanly', async () => {
    const dir = dataDir('killed');
    const first = await up(dir);
    const userPath = `/api/v1/users/${encodeURIComponent(firstUser(join(dir, 'flat.sqlite')))}`;
    const served = await fetch(`${first.endpoints.edgeUrl}${userPath}`);
    expect(served.status).toBe(200);
    await invoke(first, 'hal9-migrate-publish-routes', { action: 'reconcile' });
    const Item = { pk: { S: 'user/kept' }, sk: { S: '.' } };
    const tables = new DynamoDBClient({ ...settings, endpoint: first.endpoints.dynamodbUrl });
    await tables.send(new PutItemCommand({ TableName: 'hal9-migrate-control', Item }));

    process.kill(first.pid, 'SIGKILL');
    await goneWithin(first.supervisor, 5_000);
    for (const child of first.children) expect(await goneWithin(child, 5_000)).toBe(true);
    expect(readRunningCloud(dir)).toBeNull();
    const second = await up(dir);

    const again = new DynamoDBClient({ ...settings, endpoint: second.endpoints.dynamodbUrl });
    const kept = await again.send(new GetItemCommand({ TableName: 'hal9-migrate-control', Key: Item }));
    expect(kept.Item).toEqual(Item);
    expect((await fetch(`${second.endpoints.edgeUrl}${userPath}`)).status).toBe(200);
    expect(await cloudStatus(dir)).toMatchObject({ kind: 'running' });

    expect(await stopCloud(dir)).toMatchObject({ kind: 'stopped', pid: second.pid });
    for (const process of [second.supervisor, ...second.children]) {
      expect(isSameProcessAlive(process)).toBe(false);
    }
    expect(await stopCloud(dir)).toEqual({ kind: 'not-running' });
  });

  it('refuses a second one in the same directory, and a store from elsewhere', async () => {
    const dir = dataDir('twice');
    const first = await up(dir);

    const second = await faultOf(up(dir));
    await stopCloud(dir);
    const other = await faultOf(up(dir, { sourceFile: join(dir, 'dynamodb.sqlite') }));

    expect(second).toMatchObject({ name: 'CloudAlreadyRunning', exit: 'conflict' });
    expect(second.message).toContain(String(first.pid));
    expect(other).toMatchObject({ name: 'DataDirHoldsOtherStore', exit: 'conflict' });
  });

  it('says what is wrong with a port, an engine, a source or a directory', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const noDatabase = join(root, 'no-database.txt');
    writeFileSync(noDatabase, 'hello');
    const file = join(root, 'a-file');
    writeFileSync(file, '');

    const taken = await faultOf(up(dataDir('port'), { port }));
    const missing = await faultOf(up(dataDir('missing'), { sourceFile: join(root, 'nowhere.sqlite') }));
    const notSqlite = await faultOf(up(dataDir('not-sqlite'), { sourceFile: noDatabase }));
    const unwritable = await faultOf(up(join(file, 'below')));
    server.close();

    expect(taken).toMatchObject({ name: 'PortTaken', exit: 'conflict' });
    expect(missing).toMatchObject({ name: 'SourceMissing', exit: 'sourceRejected' });
    expect(notSqlite).toMatchObject({ name: 'SourceNotSqlite', exit: 'sourceRejected' });
    expect(unwritable).toMatchObject({ name: 'DataDirUnwritable', exit: 'unavailable' });
    for (const name of ['port', 'missing', 'not-sqlite']) expect(readCloudFile(dataDir(name))).toBeNull();
  });

  it('copies a source with its write-ahead log and leaves it as it was', async () => {
    const path = join(root, 'own.sqlite');
    const donor = dataDir('donor');
    await up(donor);
    await stopCloud(donor);
    writeFileSync(path, readFileSync(join(donor, 'flat.sqlite')));
    const open = new DatabaseSync(path);
    open.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE only_in_log (x);');
    const before = readFileSync(path);
    chmodSync(path, 0o444);

    const dir = dataDir('copied');
    await up(dir, { sourceFile: path });

    const copy = new DatabaseSync(join(dir, 'flat.sqlite'), { readOnly: true });
    expect(copy.prepare('SELECT count(*) AS n FROM only_in_log').get()).toEqual({ n: 0 });
    copy.close();
    expect(readFileSync(path).equals(before)).toBe(true);
    open.close();
  });
});

describe('leftovers of a cloud', () => {
  it('are cleaned when their process is gone, and another process with the same number is left alone', async () => {
    const dir = dataDir('left');
    mkdirSync(dir, { recursive: true });
    const own = identifyProcess(process.pid);
    const file = {
      state: 'ready',
      pid: process.pid,
      supervisor: { pid: process.pid, startedAt: 'another' },
      startedAt: '',
      timeScale: 1,
      endpoints: {
        edgeUrl: '',
        gatewayUrl: '',
        dynamodbUrl: '',
        sqsUrl: '',
        flatUrl: '',
        hierarchicalUrl: '',
        faultsUrl: '',
      },
      env: {},
      children: [{ name: 'not ours', pid: process.pid, startedAt: 'another' }],
    };
    writeFileSync(join(dir, 'cloud.json'), JSON.stringify(file));

    const status = await cloudStatus(dir);

    expect(status).toEqual({ kind: 'cleaned', orphans: [] });
    expect(own === null || isSameProcessAlive(own)).toBe(true);
    expect(await cloudStatus(dir)).toEqual({ kind: 'not-running' });
  });

  it('are not guessed at when their description is broken', async () => {
    const dir = dataDir('broken');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'cloud.json'), '{"state":');

    const fault = await faultOf(cloudStatus(dir));

    expect(fault).toMatchObject({ name: 'CloudFileCorrupt', exit: 'conflict' });
  });
});
