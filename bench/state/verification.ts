import { DatabaseSync } from 'node:sqlite';

import { ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Item } from '../../lib/aws/attributes.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDigestStore } from '../../lib/aws/digest-store.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { totalOf } from '../../lib/migration/verification-report.ts';
import { makeVerifyState } from '../../lib/migration/verify-state.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import { openFileBodies } from './file-bodies.ts';
import type { Job } from './job.ts';

const segments = 4;

/** Every record of both sides with its hash computed anew, as the function does it, one invocation after the other. */
export async function verifyFully(client: DynamoDBClient, job: Job): Promise<number> {
  const clock = { nowMs: () => Date.now() };
  const source = openFlatSource({ kind: 'sqlite', path: job.flatPath }, hal9Definition);
  const verifyState = makeVerifyState({
    definition: hal9Definition,
    source,
    target: makeTargetStore({ client, table: job.tables.state, bodies: openFileBodies(job) }),
    quarantine: makeQuarantineStore({ client, table: job.tables.quarantine }),
    ranges: makeRangeStore({ client, table: job.tables.progress, clock }),
    relay: makeRelayStore({ client, table: job.tables.progress }),
    digests: makeDigestStore({ client, table: job.tables.progress }),
    clock,
    sleeper: realSleeper,
  });
  const categories = categoriesOf(hal9Definition);
  let cursor: string | null = null;
  for (;;) {
    const answer = await verifyState({ categories, cursor }, clock.nowMs() + 45_000);
    if (!answer.done) {
      cursor = answer.cursor;
      continue;
    }
    await source.close();
    if (answer.report.outcome !== 'verified') throw new Error(`verification says ${answer.report.outcome}`);
    return totalOf(answer.report).total;
  }
}

/** Every row and every item read once, and nothing done with them. */
export async function plainScan(client: DynamoDBClient, job: Job): Promise<number> {
  const [rows] = await Promise.all([
    readRows(job),
    ...Array.from({ length: segments }, (_, segment) => scanSegment(client, job, segment)),
  ]);
  return rows;
}

async function readRows({ flatPath }: Job): Promise<number> {
  const database = new DatabaseSync(flatPath, { readOnly: true });
  let rows = 0;
  for (const { table } of hal9Definition.tables) {
    const statement = database.prepare(`SELECT * FROM "${table}"`);
    statement.setReadBigInts(true);
    const found = statement.iterate();
    while (found.next().done !== true) {
      rows += 1;
      // So that the requests of the other side go on between them.
      if (rows % 500 === 0) await new Promise(setImmediate);
    }
  }
  database.close();
  return rows;
}

async function scanSegment(client: DynamoDBClient, { tables }: Job, Segment: number): Promise<void> {
  let after: Item | undefined;
  do {
    const answer = await client.send(
      new ScanCommand({
        TableName: tables.state,
        Segment,
        TotalSegments: segments,
        ConsistentRead: true,
        ExclusiveStartKey: after,
      }),
    );
    after = answer.LastEvaluatedKey;
  } while (after !== undefined);
}
