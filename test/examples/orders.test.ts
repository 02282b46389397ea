import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { migration } from '../../examples/orders/orders.migration.ts';
import { seededRandom, type Random } from '../../lib/kernel/random.ts';
import { uuid } from '../../lib/migration/generator/sample.ts';
import { encodeKey } from '../../lib/migration/key.ts';
import type { FlatRow, RecordKey } from '../../lib/migration/row.ts';
import { totalOf } from '../../lib/migration/verification-report.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startQueues, type TestQueues } from '../support/fauxqs.ts';
import { makeStateSystem } from '../support/state-system.ts';

let dynamo: TestDynamo;
let queues: TestQueues;
beforeAll(async () => {
  [dynamo, queues] = await Promise.all([startDynamo(), startQueues()]);
});
afterAll(() => Promise.all([dynamo.stop(), queues.stop()]));

const schema = readFileSync('examples/orders/sqlite-schema.sql', 'utf8');

type System = Awaited<ReturnType<typeof makeStateSystem>>;

/** An amount that no double holds exactly. */
const largeAmount = '90071992547409.93';

function fill({ database }: System, random: Random, orderCount: number): readonly string[] {
  const customer = uuid(random);
  database
    .prepare('INSERT INTO customers VALUES (?, ?, ?, ?, ?)')
    .run(customer, 'Žofie', 'zofie@example.org', largeAmount, '2025-06-10T12:00:00Z');
  const insertOrder = database.prepare('INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)');
  const insertLine = database.prepare('INSERT INTO order_lines VALUES (?, ?, ?, ?, ?)');
  database.exec('BEGIN');
  const orders = Array.from({ length: orderCount }, () => uuid(random));
  for (const [at, order] of orders.entries()) {
    insertOrder.run(order, customer, 'paid', 'EUR', `${at}.10`, '2025-06-11T08:30:00.5+02:00');
    for (const line of [1, 2]) insertLine.run(order, line, `sku-${at}`, 3, '0.3333');
  }
  database.exec('COMMIT');
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

function priceInFlat({ database }: System, order: string, number: number): unknown {
  const found = database
    .prepare('SELECT unit_price FROM order_lines WHERE order_id = ? AND line_no = ?')
    .get(order, number);
  return found?.['unit_price'];
}

test('an order system moves under live writes, owns its state on the new side, and comes back to the cent', async () => {
  const system = await makeStateSystem({ dynamo, queues }, migration, schema);
  const { functions } = system;
  const [first = '', second = '', third = ''] = fill(system, seededRandom(3), 120);
  // A row that a validator refuses is kept aside, not lost and not in the way.
  system.database.exec(`INSERT INTO order_lines VALUES ('${first}', 99, 'sku', 0, '1.00')`);
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

  system.database.exec(`DELETE FROM order_lines WHERE line_no = 99`);
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
  expect(priceInFlat(system, first, 1)).toBe('19.9900');
  expect(priceInFlat(system, first, 2)).toBe('0.0001');
  expect(priceInFlat(system, third, 3)).toBe(largeAmount);
  expect(priceInFlat(system, third, 1)).toBeUndefined();
  expect(priceInFlat(system, second, 2)).toBeUndefined();
  expect(system.failures).toEqual([]);
  await system.close();
});
