import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';

import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { eachRange } from '../../lib/migration/backfill-progress.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import type { RangeState, RangeStore } from '../../lib/migration/ports.ts';
import { freshAssembly } from '../../local/cloud/assembly.ts';
import type { CloudFile } from '../../local/cloud/cloud-file.ts';
import { goneWithin } from '../../local/cloud/leftovers.ts';
import { startDetachedCloud, stopCloud } from '../../local/cloud/lifecycle.ts';
import { startLegacyWriter } from '../support/legacy-writer.ts';

const records = 6_000;
const kills = 5;

const dataDir = mkdtempSync(join(tmpdir(), 'hal9-kills-'));

beforeAll(async () => {
  await freshAssembly(() => undefined);
}, 300_000);

afterAll(async () => {
  await stopCloud(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
});

function up(): Promise<CloudFile> {
  return startDetachedCloud({ dataDir, records, seed: 11, timeScale: 14_400 });
}

interface Command {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

function hal9(...args: readonly string[]): Command {
  const child = spawn(process.execPath, ['bin/hal9-migrate.mjs', ...args, '--data', dataDir, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (printed.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed.err += chunk.toString()));
  const ended = new Promise<Awaited<Command['ended']>>((resolve) => {
    child.on('close', (code) => resolve({ code, ...printed }));
  });
  return { process: child, ended };
}

function rangeStore(cloud: CloudFile): RangeStore {
  const client = new DynamoDBClient({
    endpoint: cloud.endpoints.dynamodbUrl,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return makeRangeStore({ client, table: 'hal9-migrate-progress', clock: { nowMs: () => Date.now() } });
}

/** All ranges of the copy, straight from the table. */
async function listRanges(store: RangeStore): Promise<readonly RangeState[]> {
  const found: RangeState[] = [];
  for (const { recordType } of hal9Definition.tables) {
    for await (const range of eachRange(store, 'backfill', recordType)) found.push(range);
  }
  return found;
}

/** Leases given so far: every one of them is a worker that began. */
function begun(ranges: readonly RangeState[]): number {
  return ranges.reduce((sum, { fence }) => sum + fence, 0);
}

/** Rows behind a checkpoint. */
function copied(ranges: readonly RangeState[]): number {
  return ranges.reduce((sum, { counts }) => sum + counts.read, 0);
}

function rowsInFlat(): number {
  const store = new DatabaseSync(join(dataDir, 'flat.sqlite'), { readOnly: true });
  const sum = hal9Definition.tables.reduce(
    (rows, { table }) => rows + Number(store.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']),
    0,
  );
  store.close();
  return sum;
}

const verification = z.object({
  kind: z.literal('StateVerification'),
  outcome: z.string(),
  total: z.object({
    total: z.number(),
    verified: z.number(),
    mismatches: z.number(),
    missing: z.number(),
    extra: z.number(),
    quarantined: z.number(),
    tombstoned: z.number(),
    pending: z.number(),
  }),
});

const victims = ['supervisor', 'table engine', 'supervisor', 'services', 'supervisor'] as const;

/** Kills one process of the cloud without warning, and waits until all of it is gone. */
async function kill(cloud: CloudFile, victim: (typeof victims)[number]): Promise<void> {
  const child = cloud.children.find(({ name }) => name === victim);
  process.kill(victim === 'supervisor' ? cloud.pid : (child?.pid ?? 0), 'SIGKILL');
  expect(await goneWithin(cloud.supervisor, 20_000)).toBe(true);
}

test('five kills in the middle of the copy, under a writer that never stops, lose nothing', async () => {
  let cloud = await up();
  const writer = startLegacyWriter(join(dataDir, 'flat.sqlite'));
  let [begunBefore, copiedBefore] = [0, -1];

  for (const victim of victims) {
    const writesBefore = writer.writes;
    const migrate = hal9('state', 'migrate');
    const store = rangeStore(cloud);
    let ranges: readonly RangeState[] = [];
    await expect
      .poll(
        async () => {
          ranges = await listRanges(store);
          return (
            begun(ranges) > begunBefore &&
            copied(ranges) > copiedBefore &&
            ranges.some(({ state }) => state === 'leased')
          );
        },
        // Looking costs the cloud something too, whose functions come after everybody else.
        { timeout: 60_000, interval: 200 },
      )
      .toBe(true);
    await kill(cloud, victim);

    const { code, out } = await migrate.ended;
    expect(ranges.filter(({ state }) => state !== 'complete').length).toBeGreaterThan(0);
    expect(JSON.parse(out)).toMatchObject({ kind: 'Error', error: { exitCode: 11 } });
    expect(code).toBe(11);
    expect(writer.writes).toBeGreaterThan(writesBefore);
    begunBefore = begun(ranges);
    // Every other life has to get somewhere; the ones between are cut off at once.
    copiedBefore = victim === 'supervisor' ? copied(ranges) : -1;
    cloud = await up();
  }

  const last = await hal9('state', 'migrate').ended;
  expect(last).toMatchObject({ code: 0 });
  expect((await listRanges(rangeStore(cloud))).every(({ state }) => state === 'complete')).toBe(true);
  await writer.stop();
  const { code, out } = await hal9('state', 'verify').ended;

  const report = z.parse(verification, JSON.parse(out));
  expect(code).toBe(0);
  expect(report.outcome).toBe('verified');
  expect(report.total).toMatchObject({ mismatches: 0, missing: 0, extra: 0, pending: 0 });
  expect(report.total.verified + report.total.quarantined).toBe(rowsInFlat());
  expect(report.total.total).toBe(report.total.verified + report.total.quarantined + report.total.tombstoned);
  expect(writer.writes).toBeGreaterThan(kills * 100);
}, 180_000);
