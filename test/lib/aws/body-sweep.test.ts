import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeHandler } from '../../../functions/sweep-bodies/handler.ts';
import { makeAuditLog } from '../../../lib/aws/audit-log.ts';
import { makeBodyMarks } from '../../../lib/aws/body-marks.ts';
import { makeBodyObjects } from '../../../lib/aws/body-objects.ts';
import { makeLargeBodies } from '../../../lib/aws/large-bodies.ts';
import { makeNamedBodies } from '../../../lib/aws/named-bodies.ts';
import { makeTargetStore } from '../../../lib/aws/target-store.ts';
import { dayMs } from '../../../lib/migration/body-name.ts';
import type { SweepAnswer } from '../../../lib/migration/bodies/sweep-bodies.ts';
import type { SweepReport } from '../../../lib/migration/bodies/sweep-position.ts';
import { recordPk } from '../../../lib/migration/key.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';
import { startObjects, type TestObjects } from '../../support/fauxqs-s3.ts';
import { aRecord } from '../../support/state-records.ts';

let dynamo: TestDynamo;
let store: TestObjects;
beforeAll(async () => {
  [dynamo, store] = await Promise.all([startDynamo(), startObjects()]);
});
afterAll(() => Promise.all([dynamo.stop(), store.stop()]));

const text = (mark: string): string => `{"mark":"${mark}${'x'.repeat(400_000)}"}`;
const version = (sequence: number) => ({ epoch: 1, sequence });

test('records keep their bodies through sweeps, call by call; what replaced and deleted ones had goes', async () => {
  const tables = await dynamo.createTables();
  const bucket = await store.createBucket();
  const bodies = makeLargeBodies({ client: store.client, bucket, clock: { nowMs: () => Date.now() } });
  const target = makeTargetStore({ client: dynamo.client, table: tables.state, bodies });
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const records = ids.map((id) => aRecord({ id, body: text(id) }));
  await target.insertIfAbsent([...records, aRecord({ id: 'small' })]);
  await target.applyVersioned([
    aRecord({ id: 'a', version: version(9), body: text('replaced') }),
    aRecord({ id: 'b', version: version(9), body: '{}' }),
    aRecord({ id: 'c', version: version(9), body: null, state: 'tombstone' }),
  ]);
  const objects = makeBodyObjects({ client: store.client, bucket });
  const audit = makeAuditLog({ client: dynamo.client, table: tables.control });
  let sweeps = 0;
  const sweep = async (daysAhead: number): Promise<SweepReport> => {
    const handler = makeHandler({
      objects,
      named: makeNamedBodies({ client: dynamo.client, table: tables.state, pageItems: 2 }),
      marks: makeBodyMarks({ client: dynamo.client, table: tables.progress }),
      audit,
      clock: { nowMs: () => Date.now() + daysAhead * dayMs },
      newId: () => String((sweeps += 1)),
      timeBudgetMs: 0,
    });
    let answer: SweepAnswer | null = null;
    do {
      const cursor: string | null = answer?.cursor ?? null;
      answer = await handler({ requestedBy: 'operator:test', dryRun: false, cursor });
    } while (!answer.done);
    return answer.report;
  };
  const there = await objects.list(null, 100);

  const early = await sweep(20);
  const first = await sweep(40);
  const second = await sweep(43);

  expect(there).toHaveLength(6);
  expect(early).toMatchObject({ old: { objects: 0 }, items: 6, marked: 0 });
  expect(first).toMatchObject({
    old: { objects: 6 },
    items: 6,
    naming: 3,
    marked: 3,
    deleted: { objects: 0 },
  });
  expect(second).toMatchObject({ naming: 3, marked: 0, waiting: 0, deleted: { objects: 3 } });
  expect(await objects.list(null, 100)).toHaveLength(3);
  const stored = await target.read(records.map(({ key }) => key));
  expect([...stored.values()].every(({ intact }) => intact)).toBe(true);
  expect(stored.get(recordPk(records[0]!.key))?.body).toBe(text('replaced'));
  const left = await dynamo.client.send(new ScanCommand({ TableName: tables.progress }));
  expect(left.Items).toEqual([]);
  expect((await audit.list(0, 10)).map(({ facts }) => Object.keys(facts))).toEqual([
    ['done'],
    ['done'],
    ['deletes'],
    ['done'],
  ]);
});
