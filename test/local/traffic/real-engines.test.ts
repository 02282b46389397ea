import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeAuthorityStore } from '../../../lib/aws/authority-store.ts';
import { makeQuarantineStore } from '../../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../../lib/aws/relay-store.ts';
import { makeReversePendingStore } from '../../../lib/aws/reverse-pending-store.ts';
import { makeSwitchStore } from '../../../lib/aws/switch-store.ts';
import { makeTargetStore } from '../../../lib/aws/target-store.ts';
import { hal9Categories as categories } from '../../../lib/migration/hal9-definition.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { makeMigrateRange } from '../../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../../lib/migration/plan-backfill.ts';
import type { RangeTask } from '../../../lib/migration/ports.ts';
import { makeSwitchAuthority } from '../../../lib/migration/switch-authority.ts';
import { openFlatSource } from '../../../lib/sqlite/open-flat-source.ts';
import { startChild, whenReady } from '../../../local/cloud/child-process.ts';
import { openGateway } from '../../../local/hal9/open-gateway.ts';
import { checkHistory, isClean } from '../../../local/traffic/check-history.ts';
import { makeFinalStateReader } from '../../../local/traffic/final-state.ts';
import { spawnTraffic } from '../../../local/traffic/spawn-traffic.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';
import { hal9Row } from '../hal9/hal9-rows.ts';

const rowsPerTable = 120;

let dir: string;
let dynamo: TestDynamo;
const before = { ...process.env };

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hal9-engines-'));
  dynamo = await startDynamo();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
});

afterAll(async () => {
  process.env = before;
  await dynamo.stop();
  rmSync(dir, { recursive: true, force: true });
});

function makeFlatFile(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('BEGIN');
  const sqlTypes = { text: 'TEXT', integer: 'INTEGER', real: 'REAL', blob: 'BLOB', any: '' };
  for (const { table, recordType, columns, keyColumns } of hal9Definition.tables) {
    const list = columns.map(
      ({ name, storage, nullable }) => `"${name}" ${sqlTypes[storage]} ${nullable ? '' : 'NOT NULL'}`,
    );
    database.exec(`CREATE TABLE "${table}" (${list.join(', ')}, PRIMARY KEY (${keyColumns.join(', ')}))`);
    const names = columns.map(({ name }) => `"${name}"`);
    const insert = database.prepare(
      `INSERT INTO "${table}" (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    );
    for (let number = 0; number < rowsPerTable; number += 1) {
      const row = hal9Row(recordType, number);
      insert.run(...columns.map(({ name }) => (row[name] ?? null) as SQLInputValue));
    }
  }
  database.exec('COMMIT');
  database.close();
}

function makeMigration(tables: Awaited<ReturnType<TestDynamo['createTables']>>, path: string) {
  const { client } = dynamo;
  const clock = { nowMs: () => Date.now() };
  const deps = {
    definition: hal9Definition,
    source: openFlatSource({ kind: 'sqlite', path }, hal9Definition),
    target: makeTargetStore({ client, table: tables.state }),
    quarantine: makeQuarantineStore({ client, table: tables.quarantine }),
    authority: makeAuthorityStore({ client, table: tables.authority }),
    ranges: makeRangeStore({ client, table: tables.progress, clock }),
    relay: makeRelayStore({ client, table: tables.progress }),
    reversePending: makeReversePendingStore({ client, table: tables.reversePending }),
    switches: makeSwitchStore({ client, table: tables.authority }),
    clock,
    guards: null,
  };
  const switchAuthority = makeSwitchAuthority(deps);
  return {
    source: deps.source,
    async copy() {
      const tasks: RangeTask[] = [];
      const queue = { send: async (sent: readonly RangeTask[]) => void tasks.push(...sent) };
      await makePlanBackfill({ ...deps, queue, rowsPerRange: 50 }).plan('run-1');
      const migrateRange = makeMigrateRange(deps);
      for (const task of tasks) await migrateRange(task, 'worker');
    },
    async switchAll(to: 'flat' | 'hierarchical') {
      for (const category of categories) {
        await switchAuthority.switchTo({ category, to, requestedBy: 'test' });
      }
    },
  };
}

test('on SQLite and DynamoDB, users of the real services lose nothing while their state goes over and back', async () => {
  const path = join(dir, 'flat.sqlite');
  makeFlatFile(path);
  const tables = await dynamo.createTables();
  const migration = makeMigration(tables, path);
  const source = JSON.stringify({ kind: 'sqlite', path });
  const logPath = join(dir, 'services.log');
  const services = startChild({
    name: 'HAL9 services',
    command: process.execPath,
    args: [fileURLToPath(new URL('../../../local/hal9/main.ts', import.meta.url))],
    env: {
      ...process.env,
      SOURCE: source,
      STATE_TABLE: tables.state,
      AUTHORITY_TABLE: tables.authority,
      REVERSE_PENDING_TABLE: tables.reversePending,
    },
    logPath,
    ipc: true,
  });
  const { hierarchicalPort } = (await whenReady(services, logPath, 20_000)) as { hierarchicalPort: number };
  const historyPath = join(dir, 'history.jsonl');
  const edgeUrl = `http://127.0.0.1:${hierarchicalPort}`;
  const traffic = await spawnTraffic(
    { edgeUrl, source, historyPath, rate: 150, users: 50, seed: 1, timeoutMs: 15_000 },
    join(dir, 'traffic.log'),
  );
  const counts: number[] = [];
  const during = async (label: string, work: () => Promise<void>): Promise<void> => {
    await traffic.beginWindow(label);
    await work();
    await traffic.waitForAcks(label, 60, 15_000);
    counts.push(await traffic.endWindow(label));
  };

  await during('before', () => migration.source.installChangeLog());
  await during('copy', () => migration.copy());
  await during('over', () => migration.switchAll('hierarchical'));
  await during('back', () => migration.switchAll('flat'));
  await during('over again', () => migration.switchAll('hierarchical'));
  const stats = await traffic.stop();
  const final = await openGateway({ source: { kind: 'sqlite', path }, tables, definition: hal9Definition });
  const report = await checkHistory({
    historyPath,
    readFinal: makeFinalStateReader(final.gateway, hal9Definition),
  });
  await final.close();
  await services.stop();
  await migration.source.close();

  expect(stats.failures).toEqual([]);
  expect(counts.every((count) => count >= 60)).toBe(true);
  expect(report.evidence).toEqual([]);
  expect(isClean(report)).toBe(true);
  expect(report.acknowledgedWrites).toBe(stats.acknowledgedWrites);
});
