import { afterAll, beforeAll, expect, test } from 'vitest';

import { encodeKey } from '../../lib/migration/key.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
import type { RecordKey } from '../../lib/migration/row.ts';
import { poison, smallDefinition } from '../simulation/definition.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startQueues, type TestQueues } from '../support/fauxqs.ts';
import { makeStateSystem } from '../support/state-system.ts';

let dynamo: TestDynamo;
let queues: TestQueues;
beforeAll(async () => {
  [dynamo, queues] = await Promise.all([startDynamo(), startQueues()]);
});
afterAll(() => Promise.all([dynamo.stop(), queues.stop()]));

const schema = `
  CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY, payload TEXT);
  CREATE TABLE events (stream TEXT NOT NULL, number INTEGER NOT NULL, payload TEXT, PRIMARY KEY (stream, number));
  CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, payload TEXT);
`;

type System = Awaited<ReturnType<typeof makeStateSystem>>;

const session = (id: string): RecordKey => ({ recordType: 'session', id: encodeKey([id]) });

function fill(system: System, sessionCount: number): void {
  const { database } = system;
  const insert = database.prepare('INSERT INTO sessions VALUES (?, ?)');
  database.exec('BEGIN');
  for (let index = 0; index < sessionCount; index += 1) insert.run(`s|${index}`, `payload ${index}`);
  insert.run('%odd|#key', `${poison} row`);
  database.exec("INSERT INTO events VALUES ('log', 9007199254740993, 'beyond doubles'), ('log', -1, NULL)");
  database.exec('COMMIT');
}

async function write(system: System, id: string, payload: string | null): Promise<void> {
  const row = payload === null ? null : { id, payload };
  const outcome = await system.gateway.write(session(id), row);
  expect(outcome).toMatchObject({ kind: 'written' });
}

async function relayAll(system: System): Promise<void> {
  for (;;) {
    const { sent } = await system.functions.relayChanges();
    const handled = await system.deliverChanges();
    if (sent === 0 && handled === 0) return;
  }
}

async function verify(system: System) {
  let cursor: string | null = null;
  for (;;) {
    const answer = await system.functions.verifyState({ cursor });
    if (answer.done) return { outcome: answer.report.outcome, ...totals(answer.report) };
    ({ cursor } = answer);
  }
}

function totals({ byCategory }: VerificationReport) {
  const [sessions, metadata] = [byCategory['user-sessions'], byCategory['metadata']];
  return Object.fromEntries(
    countNames.map((name) => [name, (sessions?.[name] ?? 0) + (metadata?.[name] ?? 0)]),
  );
}

const countNames = [
  'verified',
  'quarantined',
  'tombstoned',
  'mismatches',
  'missing',
  'extra',
  'pending',
] as const;

test('state moves to DynamoDB under live writes, changes authority, comes back and goes again', async () => {
  const system = await makeStateSystem({ dynamo, queues }, smallDefinition, schema);
  const { functions, gateway, stores } = system;
  fill(system, 450);
  await functions.prepareSource({ action: 'install' });

  // Forward: a worker dies with a lease, users write, delete and write again while the copy runs.
  await functions.planBatches({ action: 'plan', runId: 'run' });
  const { ranges } = await stores.ranges.list('run', 'session', null);
  await stores.ranges.acquire(ranges[0]?.rangeId ?? '', 'a worker that dies', 50);
  await write(system, 's|1', 'changed before it is copied');
  await write(system, 's|2', null);
  await system.deliverRanges();
  await write(system, 's|2', 'back again');
  await write(system, 's|3', null);
  await write(system, 'new', 'never copied');
  await relayAll(system);
  await expect
    .poll(async () => {
      await functions.planBatches({ action: 'resume', runId: 'run' });
      await system.deliverRanges();
      return functions.planBatches({ action: 'progress', runId: 'run' });
    })
    .toMatchObject({ complete: true });

  expect(await verify(system)).toMatchObject({
    verified: 452,
    quarantined: 1,
    tombstoned: 1,
    mismatches: 0,
    missing: 0,
    extra: 0,
    pending: 0,
  });

  // The hierarchical side owns the sessions; flat follows through the stream.
  const forward = { category: 'user-sessions', to: 'hierarchical', requestedBy: 'operator' };
  expect(await functions.switchAuthority(forward)).toMatchObject({ kind: 'switched' });
  await write(system, 's|4', 'written to the hierarchical side');
  await write(system, 's|5', null);
  expect(await gateway.read(session('s|4'))).toMatchObject({ servedFrom: 'hierarchical' });
  expect(() => system.database.exec("UPDATE sessions SET payload = 'legacy' WHERE id = 's|4'")).toThrow(
    /hal9/i,
  );
  expect(await stores.reversePending.count('user-sessions')).toBe(2);
  expect(await functions.reverseChanges(await system.readStream())).toEqual({ batchItemFailures: [] });
  expect(await stores.reversePending.count('user-sessions')).toBe(0);
  expect(await verify(system)).toMatchObject({ mismatches: 0, missing: 0, extra: 0, pending: 0 });

  // Back, with a write that the stream has not carried yet; then forward again.
  await write(system, 's|6', 'last before the way back');
  expect(await functions.switchAuthority({ ...forward, to: 'flat' })).toMatchObject({ kind: 'switched' });
  expect(await gateway.read(session('s|6'))).toMatchObject({
    servedFrom: 'flat',
    row: { payload: 'last before the way back' },
  });
  await write(system, 's|6', 'flat again');
  await relayAll(system);
  expect(await functions.switchAuthority(forward)).toMatchObject({ kind: 'switched' });
  expect(await gateway.read(session('s|6'))).toMatchObject({
    servedFrom: 'hierarchical',
    row: { payload: 'flat again' },
  });
  expect(await verify(system)).toEqual({
    outcome: 'verified',
    verified: 451,
    quarantined: 1,
    tombstoned: 2,
    mismatches: 0,
    missing: 0,
    extra: 0,
    pending: 0,
  });
  expect(system.failures).toEqual([]);
  await system.close();
});
