import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { migration } from '../../examples/orders/orders.migration.ts';
import { seededRandom, type Random } from '../../lib/kernel/random.ts';
import { uuid } from '../../lib/migration/generator/sample.ts';
import { encodeKey } from '../../lib/migration/key.ts';
import type { FlatRow, RecordKey } from '../../lib/migration/row.ts';
import { totalOf } from '../../lib/migration/verification-report.ts';
import { openPostgresRecords, openPostgresSource, targetOfUrl } from '../../lib/postgres/open-store.ts';
import { startPostgres, type RunningPostgres } from '../../local/postgres/start-postgres.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startQueues, type TestQueues } from '../support/fauxqs.ts';
import { postgresClient } from '../support/postgres.ts';
import { makeStateSystem } from '../support/state-system.ts';

let dynamo: TestDynamo;
let queues: TestQueues;
let postgres: RunningPostgres;
beforeAll(async () => {
  [dynamo, queues, postgres] = await Promise.all([startDynamo(), startQueues(), startPostgres(18)]);
});
afterAll(() => Promise.all([dynamo.stop(), queues.stop(), postgres.stop()]));

type System = Awaited<ReturnType<typeof makeStateSystem>>;

interface OrderStore {
  readonly system: System;
  exec(sql: string): Promise<void>;
  /** The first value of a query, as the store says it, without a number in between; undefined without a row. */
  first(sql: string): Promise<unknown>;
}

const schemaOf = (engine: string): string => readFileSync(`examples/orders/${engine}-schema.sql`, 'utf8');

const selectPrice = (order: string, number: number): string =>
  `SELECT unit_price FROM order_lines WHERE order_id = '${order}' AND line_no = ${number}`;

async function inSqlite(): Promise<OrderStore> {
  const system = await makeStateSystem({ dynamo, queues }, migration, schemaOf('sqlite'));
  return {
    system,
    exec: async (sql) => await Promise.resolve(system.database.exec(sql)),
    first: async (sql) => await Promise.resolve(Object.values(system.database.prepare(sql).get() ?? {})[0]),
  };
}

async function inPostgres(): Promise<OrderStore> {
  const url = await postgres.createDatabase();
  const exec = (sql: string): Promise<void> =>
    postgresClient(url, async (client) => void (await client.query(sql)));
  await exec(schemaOf('postgres'));
  const target = targetOfUrl(url, 'public');
  const sides = {
    source: openPostgresSource(target, migration),
    flat: openPostgresRecords(target, migration),
  };
  return {
    system: await makeStateSystem({ dynamo, queues }, migration, '', sides),
    exec,
    first: (sql) =>
      postgresClient(url, async (client) => {
        const { rows } = await client.query<Record<string, unknown>>(sql);
        return Object.values(rows[0] ?? {})[0];
      }),
  };
}

/** Beyond what a double holds exactly: any arithmetic on the way would show. */
const largeAmount = '9007199254740993.0001';

async function fill(store: OrderStore, random: Random, orderCount: number): Promise<readonly string[]> {
  const customer = uuid(random);
  const orders = Array.from({ length: orderCount }, () => uuid(random));
  const orderRows = orders.map(
    (order, at) => `('${order}', '${customer}', 'paid', 'EUR', '${at}.10', '2025-06-11T08:30:00.5+02:00')`,
  );
  const lineRows = orders.flatMap((order, at) =>
    [1, 2].map((no) => `('${order}', ${no}, 'sku-${at}', 3, '0.3333')`),
  );
  await store.exec(`
    INSERT INTO customers VALUES
      ('${customer}', 'Žofie', 'zofie@example.org', '90071992547.93', '2025-06-10T12:00:00Z');
    INSERT INTO orders VALUES ${orderRows.join(', ')};
    INSERT INTO order_lines VALUES ${lineRows.join(', ')};`);
  return orders;
}

const line = (order: string, number: bigint): RecordKey => ({
  recordType: 'order-line',
  id: encodeKey([order, number]),
});

const lineRow = (order: string, number: bigint, price: string): FlatRow => ({
  order_id: order,
  line_no: number,
  sku: 'sku-live',
  quantity: 1n,
  unit_price: price,
});

async function write(system: System, key: RecordKey, row: FlatRow | null): Promise<void> {
  expect(await system.gateway.write(key, row)).toMatchObject({ kind: 'written' });
}

const cart = (id: string): RecordKey => ({ recordType: 'saved-cart', id: encodeKey([id]) });
const cartRow = (id: string, items: string): FlatRow => ({ id, customer_id: id, state: 'saved', items });

/** What flat has of a cart, saved or not. */
const selectCart = (id: string): string => `SELECT state || ' ' || items FROM carts WHERE id = '${id}'`;

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
    if (answer.done) return { outcome: answer.report.outcome, ...totalOf(answer.report) };
    ({ cursor } = answer);
  }
}

test.each([
  ['SQLite', inSqlite],
  ['PostgreSQL', inPostgres],
])(
  'an order system in %s moves under live writes, owns its state on the new side, and comes back to the cent',
  async (_engine, open) => {
    const store = await open();
    const { system } = store;
    const { functions } = system;
    const [first = '', second = '', third = ''] = await fill(store, seededRandom(3), 120);
    // A row that a validator refuses is kept aside, not lost and not in the way.
    await store.exec(`INSERT INTO order_lines VALUES ('${first}', 99, 'sku', 0, '1.0000')`);
    await functions.prepareSource({ action: 'install' });
    await functions.planBatches({ action: 'plan', runId: 'run' });

    await write(system, line(first, 1n), lineRow(first, 1n, '19.9900'));
    await write(system, line(second, 2n), null);
    await system.deliverRanges();
    await write(system, line(third, 3n), lineRow(third, 3n, largeAmount));
    await relayAll(system);

    expect(await verify(system)).toMatchObject({
      outcome: 'verified',
      verified: 1 + 120 + 240,
      quarantined: 1,
      mismatches: 0,
      missing: 0,
      extra: 0,
      pending: 0,
    });

    await store.exec('DELETE FROM order_lines WHERE line_no = 99');
    await relayAll(system);
    for (const category of ['customers', 'orders']) {
      const forward = { category, to: 'hierarchical', requestedBy: 'operator' };
      expect(await functions.switchAuthority(forward)).toMatchObject({ kind: 'switched' });
    }
    await write(system, line(first, 2n), lineRow(first, 2n, '0.0001'));
    await write(system, line(third, 1n), null);
    expect(await system.gateway.read(line(third, 3n))).toMatchObject({
      servedFrom: 'hierarchical',
      row: { unit_price: largeAmount },
    });
    expect(await functions.reverseChanges(await system.readStream())).toEqual({ batchItemFailures: [] });
    expect(await verify(system)).toMatchObject({ mismatches: 0, missing: 0, extra: 0, pending: 0 });

    for (const category of ['orders', 'customers']) {
      const back = { category, to: 'flat', requestedBy: 'operator' };
      expect(await functions.switchAuthority(back)).toMatchObject({ kind: 'switched' });
    }
    expect(await store.first(selectPrice(first, 1))).toBe('19.9900');
    expect(await store.first(selectPrice(first, 2))).toBe('0.0001');
    expect(await store.first(selectPrice(third, 3))).toBe(largeAmount);
    expect(await store.first(selectPrice(third, 1))).toBeUndefined();
    expect(await store.first(selectPrice(second, 2))).toBeUndefined();
    expect(system.failures).toEqual([]);
    await system.close();
  },
);

test.each([
  ['SQLite', inSqlite],
  ['PostgreSQL', inPostgres],
])(
  'carts in %s move as long as they are saved, and the others stay where they are',
  async (_engine, open) => {
    const store = await open();
    const { system } = store;
    const { functions } = system;
    const random = seededRandom(5);
    const [left, entered, kept, stranger, added] = Array.from({ length: 5 }, () => uuid(random)) as [
      string,
      string,
      string,
      string,
      string,
    ];
    const setState = (id: string, state: string): Promise<void> =>
      store.exec(`UPDATE carts SET state = '${state}' WHERE id = '${id}'`);
    const move = async (to: 'hierarchical' | 'flat'): Promise<void> => {
      const request = { category: 'customers', to, requestedBy: 'operator' };
      expect(await functions.switchAuthority(request)).toMatchObject({ kind: 'switched' });
    };
    const nothingWrong = { outcome: 'verified', mismatches: 0, missing: 0, extra: 0, pending: 0 };
    await store.exec(`INSERT INTO carts VALUES
    ('${left}', '${left}', 'saved', 'one'), ('${entered}', '${entered}', 'open', 'two'),
    ('${kept}', '${kept}', 'saved', 'three'), ('${stranger}', '${stranger}', 'open', 'four')`);
    await functions.prepareSource({ action: 'install' });
    await functions.planBatches({ action: 'plan', runId: 'carts' });

    // One cart is left while it may already have been copied, one is saved after its place was passed.
    await system.deliverRanges();
    await setState(left, 'left');
    await setState(entered, 'saved');
    await setState(stranger, 'left');
    await relayAll(system);
    expect(await verify(system)).toMatchObject(nothingWrong);
    const stored = await system.stores.target.read([cart(left), cart(stranger)]);
    expect([...stored.values()]).toMatchObject([{ key: cart(left), state: 'tombstone' }]);

    await move('hierarchical');
    await expect(setState(kept, 'left')).rejects.toThrow(/is fenced/);
    await setState(stranger, 'open');
    await write(system, cart(kept), cartRow(kept, 'changed'));
    await write(system, cart(entered), null);
    await write(system, cart(added), cartRow(added, 'new'));
    expect(await functions.reverseChanges(await system.readStream())).toEqual({ batchItemFailures: [] });
    expect(await verify(system)).toMatchObject(nothingWrong);

    await move('flat');
    const states = await Promise.all(
      [left, entered, kept, stranger, added].map((id) => store.first(selectCart(id))),
    );
    expect(states).toEqual(['left one', undefined, 'saved changed', 'open four', 'saved new']);

    await setState(added, 'left');
    await setState(left, 'saved');
    await relayAll(system);
    expect(await verify(system)).toMatchObject(nothingWrong);
    await move('hierarchical');
    expect(await system.gateway.read(cart(added))).toMatchObject({ row: null });
    expect(await system.gateway.read(cart(left))).toMatchObject({ row: cartRow(left, 'one') });
    expect(system.failures).toEqual([]);
    await system.close();
  },
  240_000,
);
