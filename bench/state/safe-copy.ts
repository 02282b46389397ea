import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

import { mapBounded } from '../../lib/kernel/map-bounded.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { makeMigrateRange } from '../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../lib/migration/plan-backfill.ts';
import type { RangeTask } from '../../lib/migration/ports.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import { openFileBodies } from './file-bodies.ts';
import type { Job } from './job.ts';

/** Everything a worker does: read, convert, hash, write under the condition, checkpoint under the fence. */
export async function safeCopy(client: DynamoDBClient, job: Job): Promise<number> {
  const clock = { nowMs: () => Date.now() };
  const source = openFlatSource({ kind: 'sqlite', path: job.flatPath }, hal9Definition);
  const deps = {
    definition: hal9Definition,
    source,
    ranges: makeRangeStore({ client, table: job.tables.progress, clock }),
    target: makeTargetStore({ client, table: job.tables.state, bodies: openFileBodies(job) }),
    quarantine: makeQuarantineStore({ client, table: job.tables.quarantine }),
    clock,
  };
  await source.installChangeLog();
  const tasks: RangeTask[] = [];
  const queue = { send: async (sent: readonly RangeTask[]) => void tasks.push(...sent) };
  await makePlanBackfill({ ...deps, queue }).plan('bench');
  const migrateRange = makeMigrateRange(deps);
  const outcomes = await mapBounded(tasks, job.concurrency, (task) => migrateRange(task, 'bench'));
  await source.close();
  return outcomes.reduce((sum, outcome) => sum + (outcome.kind === 'completed' ? outcome.rows : 0), 0);
}
