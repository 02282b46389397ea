import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeHandler as makeRelayChanges } from '../../functions/relay-changes/handler.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeMetricSink } from '../../lib/memory/metric-sink.ts';
import { openLogGaps } from '../../lib/migration/log-gaps.ts';
import { makeRepairKeys } from '../../lib/migration/repair-keys.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
import { startPostgres, type RunningPostgres } from '../../local/postgres/start-postgres.ts';
import { makeFlatDatabase } from '../lib/postgres/flat-database.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startQueues, type TestQueues } from '../support/fauxqs.ts';
import { makeStateSystem } from '../support/state-system.ts';

const category = 'user-sessions';
let dynamo: TestDynamo;
let queues: TestQueues;
let server: RunningPostgres;
beforeAll(async () => {
  [dynamo, queues, server] = await Promise.all([startDynamo(), startQueues(), startPostgres(18, 'logical')]);
});
afterAll(() => Promise.all([dynamo.stop(), queues.stop(), server.stop()]));

/** More is written than the server may keep for anybody, so that it gives up what the migration has not read. */
async function outgrowSlot(client: pg.Client): Promise<void> {
  await client.query("ALTER SYSTEM SET max_slot_wal_keep_size TO '1MB'");
  await client.query('SELECT pg_reload_conf()');
  await expect
    .poll(
      async () => {
        await client.query(
          "INSERT INTO notes SELECT 'n' || n, repeat('x', 1000) FROM generate_series(1, 3000) n",
        );
        await client.query('DELETE FROM notes');
        await client.query('SELECT pg_switch_wal()');
        await client.query('CHECKPOINT');
        const { rows } = await client.query<{ status: string }>(
          'SELECT wal_status AS status FROM pg_replication_slots s JOIN _mig_decoding d ON d.slot = s.slot_name',
        );
        return rows[0]?.status;
      },
      { timeout: 60_000 },
    )
    .toBe('lost');
  await client.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
  await client.query('SELECT pg_reload_conf()');
}

test('a slot that is lost in the middle stops everything, and no deletion of that time is missed', async () => {
  const database = await makeFlatDatabase(server);
  const { source } = database;
  const legacy = await database.connect();
  const flat = { ...database.records, close: () => undefined };
  const system = await makeStateSystem({ dynamo, queues }, smallDefinition, '', { source, flat });
  const { functions, stores } = system;
  const metrics = makeMetricSink();
  const clock = { nowMs: () => Date.now() };
  const heldLogShare = async (): Promise<number> => {
    const queue = { send: async () => undefined };
    const before = metrics.sum('HeldLogPercent', 'flat');
    const relay = { ...stores, definition: smallDefinition, source, queue, clock, sleeper: realSleeper };
    await makeRelayChanges({ ...relay, loopMs: 0, idleMs: 0, metrics })().catch(() => undefined);
    return metrics.sum('HeldLogPercent', 'flat') - before;
  };
  const carryOn = async (): Promise<void> => {
    while ((await functions.relayChanges()).sent + (await system.deliverChanges()) > 0);
  };
  const verify = async (): Promise<VerificationReport> => {
    for (let cursor: string | null = null; ;) {
      const answer: Awaited<ReturnType<typeof functions.verifyState>> = await functions.verifyState({
        cursor,
      });
      if (answer.done) return answer.report;
      ({ cursor } = answer);
    }
  };
  const switchOver = () =>
    functions.switchAuthority({ category, to: 'hierarchical', requestedBy: 'operator' });
  await legacy.query("INSERT INTO sessions SELECT 'k' || n, 'x' FROM generate_series(1, 300) n");
  await functions.prepareSource({ action: 'install' });
  await functions.planBatches({ action: 'plan', runId: 'run' });
  while (
    !((await functions.planBatches({ action: 'progress', runId: 'run' })) as { complete: boolean }).complete
  )
    await system.deliverRanges();
  await carryOn();
  expect(await heldLogShare()).toBeLessThan(50);

  // A key that no change was ever logged of is deleted while nobody can log it.
  await outgrowSlot(legacy);
  await legacy.query("DELETE FROM sessions WHERE id = 'k7'");

  expect(await heldLogShare()).toBe(100);
  await expect(functions.relayChanges()).rejects.toThrow(/ReplicationSlotLost|no longer keeps/);
  await expect(switchOver()).rejects.toMatchObject({ name: 'ReplicationSlotLost' });
  expect(await functions.prepareSource({ action: 'inspect' })).toMatchObject({
    changeLogInstalled: true,
    heldLog: { isLost: true },
  });

  await functions.prepareSource({ action: 'install' });
  await carryOn();
  await expect(switchOver()).rejects.toMatchObject({ name: 'ChangeLogInterrupted' });
  const found = await verify();
  expect(found.differences).toEqual([{ category, key: { recordType: 'session', id: 'k7' }, kind: 'extra' }]);
  await expect(switchOver()).rejects.toMatchObject({ name: 'ChangeLogInterrupted' });
  const deps = { ...stores, definition: smallDefinition, source, clock, sleeper: realSleeper };
  await makeRepairKeys(deps)(
    category,
    found.differences.map(({ key }) => key),
  );
  expect((await verify()).outcome).toBe('verified');

  expect(await openLogGaps(source, ['user-sessions', 'metadata'])).toEqual([]);
  expect(await switchOver()).toMatchObject({ kind: 'switched' });
  expect(await system.gateway.read({ recordType: 'session', id: 'k7' })).toMatchObject({ row: null });
  await system.close();
  await database.stop();
}, 120_000);
