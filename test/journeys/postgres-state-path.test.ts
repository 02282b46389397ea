import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { generateDatabase } from '../../lib/postgres/generate-store.ts';
import { openPostgresRecords, openPostgresSource, targetOfUrl } from '../../lib/postgres/open-store.ts';
import { hal9Categories, hal9Definition } from '../../lib/migration/hal9-definition.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
import { startPostgres, type RunningPostgres } from '../../local/postgres/start-postgres.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startQueues, type TestQueues } from '../support/fauxqs.ts';
import { makeStateSystem } from '../support/state-system.ts';

let dynamo: TestDynamo;
let queues: TestQueues;
let server: RunningPostgres;
beforeAll(async () => {
  [dynamo, queues, server] = await Promise.all([startDynamo(), startQueues(), startPostgres(18)]);
});
afterAll(() => Promise.all([dynamo.stop(), queues.stop(), server.stop()]));

type System = Awaited<ReturnType<typeof makeStateSystem>>;

const isUnavailable = (error: unknown): boolean =>
  error instanceof Error &&
  ['SourceConnectionLost', 'SourceUnreachable', 'SourceLocked'].includes(error.name);

/** What a queue or a schedule does: ask again when the source was not there. */
async function again<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
  }
}

/** A program of the flat system that knows nothing of the migration, and comes back when its connection breaks. */
function startLegacyWriter(url: string): { readonly fenced: number; stop(): Promise<number> } {
  let [writes, turn, fenced] = [0, 0, 0];
  const stopped = new AbortController();
  const steps = [
    `UPDATE flat_neurons SET activation = random()::real, version = version + 1
     WHERE neuron_key = (SELECT neuron_key FROM flat_neurons ORDER BY neuron_key OFFSET $1::int % 50 LIMIT 1)`,
    'DELETE FROM flat_sessions WHERE id = (SELECT id FROM flat_sessions ORDER BY id OFFSET $1::int % 5 LIMIT 1) AND id < (SELECT max(id) FROM flat_sessions)',
    `INSERT INTO flat_config (scope, path, id, value, revision, updated_at, version)
     VALUES ('legacy', 'setting.' || ($1::int % 20), 'legacy', '1', 1, '1700000000', 1)
     ON CONFLICT (scope, path) DO UPDATE SET revision = flat_config.revision + 1`,
    "DELETE FROM flat_config WHERE scope = 'legacy' AND path = 'setting.' || ($1::int * 7 % 20)",
    'UPDATE flat_learning SET access_count = access_count + $1::int WHERE id = (SELECT min(id) FROM flat_learning)',
    'DELETE FROM flat_connections WHERE ctid = (SELECT min(ctid) FROM flat_connections WHERE $1::int > 0)',
  ];
  const work = (async () => {
    let client: pg.Client | null = null;
    while (!stopped.signal.aborted) {
      try {
        client ??= await connected(url);
        turn += 1;
        await client.query(steps[turn % steps.length]!, [turn]);
        writes += 1;
      } catch (error) {
        if ((error as { code?: string }).code === 'H9F01') fenced += 1;
        else {
          void client?.end().catch(() => undefined);
          client = null;
        }
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 4);
      });
    }
    await client?.end();
    return writes;
  })();
  return {
    get fenced() {
      return fenced;
    },
    stop() {
      stopped.abort();
      return work;
    },
  };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function relayOnce(system: System): Promise<number> {
  const { sent } = await again(() => system.functions.relayChanges());
  return sent + (await again(() => system.deliverChanges()));
}

async function verify(system: System): Promise<VerificationReport> {
  let cursor: string | null = null;
  for (;;) {
    const from: string | null = cursor;
    const answer: Awaited<ReturnType<System['functions']['verifyState']>> = await again(() =>
      system.functions.verifyState({ cursor: from }),
    );
    if (answer.done) return answer.report;
    ({ cursor } = answer);
  }
}

function differences({ byCategory }: VerificationReport): number {
  return hal9Categories.reduce((sum, category) => {
    const { mismatches = 0, missing = 0, extra = 0, pending = 0 } = byCategory[category] ?? {};
    return sum + mismatches + missing + extra + pending;
  }, 0);
}

async function switchAll(system: System, to: 'hierarchical' | 'flat'): Promise<void> {
  for (const category of hal9Categories) {
    const request = { category, to, requestedBy: 'operator' };
    expect(await again(() => system.functions.switchAuthority(request))).toMatchObject({ kind: 'switched' });
  }
}

test('the whole of HAL9 moves from PostgreSQL, comes back and goes again, while a server process is killed', async () => {
  const url = await server.createDatabase();
  const target = targetOfUrl(url, 'public');
  await generateDatabase({ target, records: 1_500, seed: 7 });
  const system = await makeStateSystem({ dynamo, queues }, hal9Definition, '', {
    source: openPostgresSource(target, hal9Definition),
    flat: openPostgresRecords(target, hal9Definition),
  });
  const { functions, gateway } = system;
  const session = { recordType: 'session', id: '' };
  const admin = await connected(url);
  const { rows } = await admin.query<{ id: string }>('SELECT max(id) AS id FROM flat_sessions');
  session.id = rows[0]!.id;
  await functions.prepareSource({ action: 'install' });
  const legacy = startLegacyWriter(url);

  // The copy, under live writes; in its middle every connection breaks with a process of the server.
  await functions.planBatches({ action: 'plan', runId: 'run' });
  const copying = again(() => system.deliverRanges());
  const { rows: backends } = await admin.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'hal9-migrate' AND datname = current_database()",
  );
  expect(backends.length).toBeGreaterThan(0);
  process.kill(backends[0]!.pid, 'SIGKILL');
  await copying;
  await expect
    .poll(
      async () => {
        await relayOnce(system);
        await again(() => functions.planBatches({ action: 'resume', runId: 'run' }));
        await again(() => system.deliverRanges());
        return again(() => functions.planBatches({ action: 'progress', runId: 'run' }));
      },
      { timeout: 45_000 },
    )
    .toMatchObject({ complete: true });
  await switchAll(system, 'hierarchical');
  const refused = legacy.fenced;
  await expect.poll(() => legacy.fenced).toBeGreaterThan(refused);
  expect(await legacy.stop()).toBeGreaterThan(20);

  const over = await verify(system);
  expect([differences(over), over.outcome]).toEqual([0, 'verified']);

  // A user writes on the new side; flat follows, and takes over with it.
  const present = await gateway.read(session);
  const changed = { ...(present as { row: Record<string, string> }).row, region: 'moved' };
  expect(await gateway.write(session, changed)).toMatchObject({ kind: 'written' });
  await switchAll(system, 'flat');
  const client = await connected(url);
  const region = await client.query('SELECT region FROM flat_sessions WHERE id = $1', [session.id]);
  expect(region.rows).toEqual([{ region: 'moved' }]);
  await client.query("UPDATE flat_sessions SET region = 'back' WHERE id = $1", [session.id]);
  while ((await relayOnce(system)) > 0);
  const back = await verify(system);
  expect([differences(back), back.outcome]).toEqual([0, 'verified']);

  // And again.
  await switchAll(system, 'hierarchical');
  expect(await gateway.read(session)).toMatchObject({ row: { region: 'back' }, servedFrom: 'hierarchical' });
  expect(differences(await verify(system))).toBe(0);
  await client.end();
  await admin.end().catch(() => undefined);
  await system.close();
}, 120_000);
