import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeDynamoFlatRecords } from '../../lib/dynamodb/flat-records.ts';
import { makeDynamoFlatSource } from '../../lib/dynamodb/flat-source.ts';
import type { FlatSource } from '../../lib/migration/ports.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startQueues, type TestQueues } from '../support/fauxqs.ts';
import { createFlatTables, flatStoreOf } from '../support/flat-tables.ts';
import { makeStateSystem } from '../support/state-system.ts';

let dynamo: TestDynamo;
let queues: TestQueues;
beforeAll(async () => {
  [dynamo, queues] = await Promise.all([startDynamo(), startQueues()]);
});
afterAll(() => Promise.all([dynamo.stop(), queues.stop()]));

type System = Awaited<ReturnType<typeof makeStateSystem>>;

const categories = categoriesOf(smallDefinition);
const session = (id: number) => ({ recordType: 'session', id: `s${id}` });

/** A program of the flat system that knows nothing of the migration: puts, changes and deletes sessions and events. */
function startLegacyWriter(prefix: string): { readonly writes: number; stop(): Promise<void> } {
  const { client } = dynamo;
  const stopped = new AbortController();
  const [sessions, events] = [`${prefix}sessions`, `${prefix}events`];
  const write = async (turn: number): Promise<unknown> => {
    const id = { S: `s${(turn * 7) % 150}` };
    if (turn % 4 === 0) return await client.send(new DeleteItemCommand({ TableName: sessions, Key: { id } }));
    if (turn % 4 === 1)
      return await client.send(
        new PutItemCommand({
          TableName: events,
          Item: { stream: { S: 'audit' }, number: { N: String(1_000 + turn) }, payload: { S: 'live' } },
        }),
      );
    return await client.send(
      new UpdateItemCommand({
        TableName: sessions,
        Key: { id },
        UpdateExpression: 'SET payload = :payload',
        ExpressionAttributeValues: { ':payload': { S: `live ${turn}` } },
      }),
    );
  };
  let turn = 0;
  const work = (async () => {
    while (!stopped.signal.aborted) {
      turn += 1;
      await write(turn);
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  })();
  return {
    get writes() {
      return turn;
    },
    stop() {
      stopped.abort();
      return work;
    },
  };
}

async function relayAll(system: System): Promise<void> {
  for (;;) {
    const { sent } = await system.functions.relayChanges();
    if (sent + (await system.deliverChanges()) === 0) return;
  }
}

async function verify(system: System): Promise<VerificationReport> {
  let cursor: string | null = null;
  for (;;) {
    const answer: Awaited<ReturnType<System['functions']['verifyState']>> =
      await system.functions.verifyState({ cursor });
    if (answer.done) return answer.report;
    ({ cursor } = answer);
  }
}

function differences({ byCategory }: VerificationReport): number {
  return categories.reduce((sum, category) => {
    const { mismatches = 0, missing = 0, extra = 0, pending = 0 } = byCategory[category] ?? {};
    return sum + mismatches + missing + extra + pending;
  }, 0);
}

async function switchAll(system: System, to: 'hierarchical' | 'flat'): Promise<void> {
  for (const category of categories) {
    const request = { category, to, requestedBy: 'operator' };
    expect(await system.functions.switchAuthority(request)).toMatchObject({ kind: 'switched' });
  }
}

test('a copy that would outlast what the streams keep is not begun', async () => {
  const prefix = await createFlatTables(dynamo.client, smallDefinition);
  const source = makeDynamoFlatSource(flatStoreOf(dynamo, prefix, smallDefinition));
  const records = makeDynamoFlatRecords(flatStoreOf(dynamo, prefix, smallDefinition));
  const behind: FlatSource = {
    ...source,
    retention: async () => {
      const retention = (await source.retention?.()) ?? null;
      return retention === null ? null : { ...retention, readAtMs: retention.readAtMs - 23.5 * 3_600_000 };
    },
  };
  const flat = { ...records, close: () => undefined };
  const system = await makeStateSystem({ dynamo, queues }, smallDefinition, '', { source: behind, flat });
  await system.gateway.write(session(1), { id: 's1', payload: 'x' });

  await system.functions.prepareSource({ action: 'install' });
  const planned = system.functions.planBatches({ action: 'plan', runId: 'run' });

  await expect(planned).rejects.toMatchObject({ name: 'CopyTooLong' });
  expect(await system.stores.ranges.currentRun()).toBeNull();
  await system.close();
});

test('DynamoDB tables move under live writes, come back with what happened meanwhile, and go again', async () => {
  const prefix = await createFlatTables(dynamo.client, smallDefinition);
  const system = await makeStateSystem({ dynamo, queues }, smallDefinition, '', {
    source: makeDynamoFlatSource(flatStoreOf(dynamo, prefix, smallDefinition)),
    flat: { ...makeDynamoFlatRecords(flatStoreOf(dynamo, prefix, smallDefinition)), close: () => undefined },
  });
  const { functions, gateway } = system;
  for (let id = 0; id < 300; id += 1) {
    const row = { id: `s${id}`, payload: `first ${id}` };
    expect(await gateway.write(session(id), row)).toMatchObject({ kind: 'written' });
  }
  await functions.prepareSource({ action: 'install' });
  const legacy = startLegacyWriter(prefix);

  // The copy, under live writes, by segments.
  await expect.poll(() => legacy.writes).toBeGreaterThan(10);
  await functions.planBatches({ action: 'plan', runId: 'run' });
  await system.deliverRanges();
  await functions.relayChanges();
  await system.deliverChanges();
  expect(await functions.planBatches({ action: 'progress', runId: 'run' })).toMatchObject({ complete: true });
  // Such writers are stopped before the switch: nothing in the store refuses them after it.
  const duringCopy = legacy.writes;
  await expect.poll(() => legacy.writes).toBeGreaterThan(duringCopy + 10);
  await legacy.stop();
  await relayAll(system);
  expect(await gateway.write(session(1), { id: 's1', payload: 'last in flat' })).toMatchObject({
    kind: 'written',
  });
  await switchAll(system, 'hierarchical');

  const over = await verify(system);
  expect([differences(over), over.outcome]).toEqual([0, 'verified']);
  expect(await gateway.read(session(1))).toMatchObject({
    row: { payload: 'last in flat' },
    servedFrom: 'hierarchical',
  });

  // Users write and delete on the new side; flat follows, and takes over with it.
  expect(await gateway.write(session(2), { id: 's2', payload: 'moved' })).toMatchObject({ kind: 'written' });
  expect(await gateway.write(session(299), null)).toMatchObject({ kind: 'written' });
  await switchAll(system, 'flat');
  expect(await gateway.read(session(2))).toMatchObject({ row: { payload: 'moved' }, servedFrom: 'flat' });
  expect(await gateway.read(session(299))).toMatchObject({ row: null });
  expect(await gateway.write(session(2), { id: 's2', payload: 'back' })).toMatchObject({ kind: 'written' });
  await relayAll(system);
  const back = await verify(system);
  expect([differences(back), back.outcome]).toEqual([0, 'verified']);

  // And again.
  await switchAll(system, 'hierarchical');
  expect(await gateway.read(session(2))).toMatchObject({
    row: { payload: 'back' },
    servedFrom: 'hierarchical',
  });
  expect(differences(await verify(system))).toBe(0);
  await system.close();
}, 180_000);
