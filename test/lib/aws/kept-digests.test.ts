import { DeleteItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeHandler } from '../../../functions/reconcile-state/handler.ts';
import { makeDigestStore } from '../../../lib/aws/digest-store.ts';
import { makeKeptDigestStore } from '../../../lib/aws/kept-digest-store.ts';
import { makeQuarantineStore } from '../../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../../lib/aws/relay-store.ts';
import { makeSettingsStore } from '../../../lib/aws/settings-store.ts';
import { makeStateStream } from '../../../lib/aws/state-stream.ts';
import { makeTargetStore } from '../../../lib/aws/target-store.ts';
import { makeMemoryAuditLog } from '../../../lib/memory/audit-log.ts';
import { makeMemoryFlatRecords } from '../../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../../lib/memory/flat-source.ts';
import { makeFlatStore } from '../../../lib/memory/flat-store.ts';
import { makeMetricSink } from '../../../lib/memory/metric-sink.ts';
import { makeApplyChanges } from '../../../lib/migration/apply-changes.ts';
import { bucketCount } from '../../../lib/migration/bucket.ts';
import { makeMigrateRange } from '../../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../../lib/migration/plan-backfill.ts';
import type { ChangeMessage, RangeTask } from '../../../lib/migration/ports.ts';
import type { ReconcileAnswer } from '../../../lib/migration/reconcile-state.ts';
import { makeRelayChanges } from '../../../lib/migration/relay-changes.ts';
import { smallDefinition } from '../../simulation/definition.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';
import { sessionKey } from '../migration/migration-in-memory.ts';

const category = 'user-sessions';
const recordCount = 2_000;
/** What a bucket holds on average, one at least. */
const oneBucket = Math.ceil(recordCount / bucketCount);

let dynamo: TestDynamo;
/** The cases share one system and come in their order: to fill it takes longer than all of them. */
let system: Awaited<ReturnType<typeof keeping>>;
beforeAll(async () => {
  dynamo = await startDynamo();
  system = await keeping();
}, 180_000);
afterAll(() => dynamo.stop());

/** Some thousand records on a DynamoDB, compared completely once. */
async function keeping() {
  const { client, streams } = dynamo;
  const tables = await dynamo.createTables();
  const clock = { nowMs: () => Date.now() };
  const store = makeFlatStore(smallDefinition);
  const deps = {
    definition: smallDefinition,
    clock,
    sleeper: { sleep: () => Promise.resolve() },
    source: makeMemoryFlatSource(store),
    target: makeTargetStore({ client, table: tables.state }),
    ranges: makeRangeStore({ client, table: tables.progress, clock }),
    relay: makeRelayStore({ client, table: tables.progress }),
    quarantine: makeQuarantineStore({ client, table: tables.quarantine }),
    digests: makeDigestStore({ client, table: tables.progress }),
    kept: makeKeptDigestStore({ client, table: tables.progress }),
    stream: makeStateStream({ client, streams, table: tables.state, clock }),
    settings: makeSettingsStore({ client, table: tables.progress }),
    audit: makeMemoryAuditLog(),
    metrics: makeMetricSink(),
    guards: null,
  };
  const flat = makeMemoryFlatRecords(store);
  const put = (id: number, payload: string | null) => {
    const row = payload === null ? null : { id: `id-${id}`, payload };
    return flat.write(category, sessionKey(`id-${id}`), row, 1);
  };
  for (let id = 0; id < recordCount; id += 1) await put(id, `payload of ${id}`);
  await deps.source.installChangeLog();
  const tasks: RangeTask[] = [];
  const queue = { send: (sent: readonly RangeTask[]) => Promise.resolve(void tasks.push(...sent)) };
  await makePlanBackfill({ ...deps, queue }).plan('run');
  for (const task of tasks) await makeMigrateRange(deps)(task, 'worker');
  await deps.settings.change({
    migrationMode: { enabled: true, sinceMs: 0, by: 'ada', paused: [] },
    reconciliation: { intervalMs: 30_000 },
  });
  const handler = makeHandler({ ...deps, loopMs: 20_000 });
  expect(await handler({ action: 'continue' })).toEqual({ finished: 1 });

  const messages: ChangeMessage[] = [];
  const relay = makeRelayChanges({
    ...deps,
    queue: { send: (message) => Promise.resolve(void messages.push(message)) },
  });
  const apply = makeApplyChanges(deps);
  return {
    ...deps,
    put,
    reconcile: async (more: object = {}): Promise<ReconcileAnswer> =>
      (await handler({
        action: 'run',
        requestedBy: 'operator:test',
        fix: true,
        full: false,
        ...more,
      })) as ReconcileAnswer,
    drain: async (): Promise<void> => {
      while (!(await relay(category)).caughtUp);
      for (const message of messages.splice(0)) await apply(message);
    },
    /** As somebody does who has access to the table. */
    damage: (id: number) =>
      client.send(
        new UpdateItemCommand({
          TableName: tables.state,
          Key: stateKey(id),
          UpdateExpression: 'SET body = :body',
          ExpressionAttributeValues: { ':body': { S: '{"damaged":true}' } },
        }),
      ),
    remove: (id: number) =>
      client.send(new DeleteItemCommand({ TableName: tables.state, Key: stateKey(id) })),
  };
}

function stateKey(id: number) {
  return { pk: { S: `session/id-${id}` }, sk: { S: '.' } };
}

describe('digests kept on DynamoDB', () => {
  it('find one wrong record among thousands and repair it, reading next to nothing', async () => {
    const { reconcile, damage, target } = system;
    await damage(1_234);

    const found = await reconcile();
    const after = await reconcile();

    expect(found.report.differences).toEqual([{ category, key: sessionKey('id-1234'), kind: 'mismatch' }]);
    expect(found.report.byCategory[category]).toMatchObject({ total: recordCount, mismatches: 1 });
    const { scanned, kept } = found.report;
    expect(kept?.judgedKeys).toBeLessThanOrEqual(recordCount / 1000 + oneBucket);
    // What differs is looked at four times before it counts.
    expect(scanned.rows).toBeLessThanOrEqual(4);
    expect(scanned.records).toBeLessThanOrEqual(5);
    expect(found.fixes).toMatchObject({ written: 1 });
    const [record] = (await target.read([sessionKey('id-1234')])).values();
    expect(record).toMatchObject({ intact: true, state: 'live' });
    expect(record?.body).toContain('payload of 1234');
    // The repair itself comes by the stream; no row is read for it.
    expect(after.report).toMatchObject({ outcome: 'verified', kept: { judgedKeys: 0, openKeys: 0 } });
  });

  it('find a record that somebody removed', async () => {
    const { reconcile, remove, target } = system;
    await remove(7);

    const { report } = await reconcile();

    expect(report.byCategory[category]).toMatchObject({ total: recordCount, missing: 1 });
    expect((await target.read([sessionKey('id-7')])).size).toBe(1);
    expect((await reconcile()).report.outcome).toBe('verified');
  });

  it('follow what users change without looking at it, and take less than a megabyte', async () => {
    const { reconcile, put, drain, kept } = system;
    for (let id = 0; id < 60; id += 1) await put(id, id > 0 && id % 5 === 0 ? null : `changed ${id}`);
    const onTheWay = await reconcile();
    await drain();
    const followed = await reconcile();
    const full = await reconcile({ full: true });

    expect(onTheWay.report).toMatchObject({ outcome: 'verified', kept: { judgedKeys: 0, openKeys: 60 } });
    expect(followed.report).toMatchObject({ outcome: 'verified', kept: { openKeys: 0 } });
    expect(followed.report.byCategory).toEqual({
      ...full.report.byCategory,
      metadata: followed.report.byCategory['metadata'],
    });
    expect((await kept.load())?.bytes.length).toBeLessThan(1_000_000);
  });
});
