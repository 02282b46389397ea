import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { makeAuthorityStore } from '../../lib/aws/authority-store.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDigestStore } from '../../lib/aws/digest-store.ts';
import { makeHierarchicalRecords } from '../../lib/aws/hierarchical-records.ts';
import { makeLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeSwitchStore } from '../../lib/aws/switch-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { makeApplyChanges } from '../../lib/migration/apply-changes.ts';
import { groupOf } from '../../lib/migration/bucket.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { recordPk } from '../../lib/migration/key.ts';
import { decodeChangeMessage, encodeChangeMessage } from '../../lib/migration/message-encoding.ts';
import { makeMigrateRange } from '../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../lib/migration/plan-backfill.ts';
import type { RangeTask } from '../../lib/migration/ports.ts';
import { sealRecord } from '../../lib/migration/record-hash.ts';
import { makeRelayChanges } from '../../lib/migration/relay-changes.ts';
import { makeReverseChanges } from '../../lib/migration/reverse-changes.ts';
import { makeSwitchAuthority } from '../../lib/migration/switch-authority.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
import { makeVerifyState } from '../../lib/migration/verify-state.ts';
import { generateStore } from '../../lib/sqlite/generate-store.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startObjects, type TestObjects } from '../support/fauxqs-s3.ts';

const category = 'learning-data';
const directory = mkdtempSync(join(tmpdir(), 'hal9-large-'));
const path = join(directory, 'flat.sqlite');
const largest = 1_600_000;

let dynamo: TestDynamo;
let objects: TestObjects;
beforeAll(async () => {
  [dynamo, objects] = await Promise.all([startDynamo(), startObjects()]);
  await generateStore({ path, records: 80, seed: 3 });
  execute(`DELETE FROM flat_learning WHERE json_valid(payload) = 0`);
  execute(`UPDATE flat_learning SET payload = ${textOf('a', 1_200_000)} WHERE id = (${firstId})`);
});
afterAll(async () => {
  await Promise.all([dynamo.stop(), objects.stop()]);
  rmSync(directory, { recursive: true, force: true });
});

const firstId = 'SELECT min(id) AS id FROM flat_learning';

/** A JSON text of about so many characters, as SQL. */
function textOf(mark: string, length: number): string {
  return `'"' || replace(hex(zeroblob(${length / 4})), '00', '${mark}xyz') || '"'`;
}

function execute(sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  try {
    return sql.startsWith('SELECT') ? database.prepare(sql).all() : (database.exec(sql), []);
  } finally {
    database.close();
  }
}

async function openSystem() {
  const tables = await dynamo.createTables();
  const { client } = dynamo;
  const clock = { nowMs: () => Date.now() };
  const bodies = makeLargeBodies({ client: objects.client, bucket: await objects.createBucket(), clock });
  return {
    tables,
    definition: hal9Definition,
    source: openFlatSource({ kind: 'sqlite', path }, hal9Definition),
    target: makeTargetStore({ client, table: tables.state, bodies }),
    ranges: makeRangeStore({ client, table: tables.progress, clock }),
    relay: makeRelayStore({ client, table: tables.progress }),
    quarantine: makeQuarantineStore({ client, table: tables.quarantine }),
    digests: makeDigestStore({ client, table: tables.progress }),
    authority: makeAuthorityStore({ client, table: tables.authority }),
    switches: makeSwitchStore({ client, table: tables.authority }),
    reversePending: makeReversePendingStore({ client, table: tables.reversePending }),
    hierarchical: makeHierarchicalRecords({ client, tables, bodies }),
    bodies,
    clock,
    sleeper: realSleeper,
    guards: null,
  };
}

type System = Awaited<ReturnType<typeof openSystem>>;

async function copy(system: System): Promise<void> {
  const tasks: RangeTask[] = [];
  const queue = { send: async (sent: readonly RangeTask[]) => void tasks.push(...sent) };
  await system.source.installChangeLog();
  await makePlanBackfill({ ...system, queue }).plan('run', ['learning']);
  for (const task of tasks) await makeMigrateRange(system)(task, 'worker');
}

/** Returns the lengths of the messages. */
async function relay(system: System): Promise<readonly number[]> {
  const messages: string[] = [];
  const queue = {
    send: async (message: Parameters<typeof encodeChangeMessage>[0]) =>
      void messages.push(encodeChangeMessage(message)),
  };
  const step = makeRelayChanges({ ...system, queue });
  while (!(await step(category)).caughtUp);
  for (const message of messages) await makeApplyChanges(system)(decodeChangeMessage(message));
  return messages.map((message) => Buffer.byteLength(message));
}

async function verify(system: System): Promise<VerificationReport> {
  const answer = await makeVerifyState(system)(
    { categories: [category], cursor: null },
    Number.POSITIVE_INFINITY,
  );
  return answer.report;
}

function countsOf({ byCategory }: VerificationReport) {
  return byCategory[category];
}

describe('a row that no item and no message holds', () => {
  let system: System;
  beforeAll(async () => {
    system = await openSystem();
  });
  afterAll(() => system.source.close());

  test('is copied and verified like any other', async () => {
    await copy(system);

    const report = await verify(system);

    expect(report).toMatchObject({ outcome: 'verified' });
    expect(countsOf(report)).toMatchObject({ mismatches: 0, missing: 0, quarantined: 0 });
    expect(countsOf(report)?.verified).toBe(
      Number(execute('SELECT count(*) AS n FROM flat_learning')[0]?.['n']),
    );
  });

  test('is carried over when it changes, in a message that only names it', async () => {
    execute(`UPDATE flat_learning SET payload = ${textOf('b', largest)} WHERE id = (${firstId})`);

    const lengths = await relay(system);

    expect(Math.max(...lengths)).toBeLessThan(10_000);
    expect(countsOf(await verify(system))).toMatchObject({ quarantined: 0, mismatches: 0, pending: 0 });
  });

  test('whose text is gone on the way leaves its batch open, and is sent again with it', async () => {
    execute(`UPDATE flat_learning SET payload = ${textOf('c', largest)} WHERE id = (${firstId})`);
    const lost = { ...system, bodies: { ...system.bodies, get: () => Promise.resolve(null) } };

    await expect(relay(lost)).rejects.toMatchObject({ name: 'BodyUnavailable' });
    expect(await system.relay.pending(category, 10)).toHaveLength(1);
    const later = { ...system, clock: { nowMs: () => Date.now() + 60_000 } };
    await relay(later);

    expect(await system.relay.pending(category, 10)).toHaveLength(0);
    expect(await verify(system)).toMatchObject({ outcome: 'verified' });
  });

  test('changed on the hierarchical side reaches flat, though the stream carries its name only', async () => {
    await system.authority.initialize(category, 1);
    await makeSwitchAuthority(system).switchTo({ category, to: 'hierarchical', requestedBy: 'test' });
    const id = String(execute(firstId)[0]?.['id']);
    const key = { recordType: 'learning', id };
    const before = await system.hierarchical.read(key);
    const body = (before?.body ?? '').replaceAll('cxyz', 'dxyz');
    const record = sealRecord({
      key,
      category,
      version: { epoch: 2, sequence: 1 },
      state: 'live',
      origin: 'hierarchical',
      body,
    });

    const written = await system.hierarchical.write(record, {
      group: groupOf(key),
      expected: before?.version ?? null,
    });
    const [result] = await makeReverseChanges(system)([{ ...record, body: null, intact: false }]);

    expect([written, result]).toEqual(['written', 'applied']);
    const [row] = execute(`SELECT payload FROM flat_learning WHERE id = '${id}'`);
    expect(String(row?.['payload'])).toMatch(/^"dxyz/);
    expect(String(row?.['payload'])).toHaveLength(largest + 2);
    expect((await system.target.read([key])).get(recordPk(key))?.intact).toBe(true);
  });
});
