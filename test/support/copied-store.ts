import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { makeApplyChanges } from '../../lib/migration/apply-changes.ts';
import type { Category } from '../../lib/migration/category.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { makeMigrateRange } from '../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../lib/migration/plan-backfill.ts';
import type { ChangeMessage, RangeTask } from '../../lib/migration/ports.ts';
import { makeRelayChanges } from '../../lib/migration/relay-changes.ts';
import { tablesOf } from '../../lib/migration/table-lookup.ts';
import { generateStore } from '../../lib/sqlite/generate-store.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import type { TestDynamo } from './dynoxide.ts';

/** A generated HAL9 store in SQLite beside a DynamoDB, with queues that are emptied at once. */
export async function makeCopiedStore(dynamo: TestDynamo, records: number) {
  const directory = mkdtempSync(join(tmpdir(), 'hal9-copied-'));
  const path = join(directory, 'flat.sqlite');
  await generateStore({ path, records, seed: 7 });
  const tables = await dynamo.createTables();
  const { client } = dynamo;
  const clock = { nowMs: () => Date.now() };
  const source = openFlatSource({ kind: 'sqlite', path }, hal9Definition);
  const deps = {
    definition: hal9Definition,
    clock,
    sleeper: realSleeper,
    source,
    target: makeTargetStore({ client, table: tables.state }),
    ranges: makeRangeStore({ client, table: tables.progress, clock }),
    relay: makeRelayStore({ client, table: tables.progress }),
    quarantine: makeQuarantineStore({ client, table: tables.quarantine }),
  };
  const messages: ChangeMessage[] = [];
  const tasks: RangeTask[] = [];
  return {
    path,
    deps,
    tables,
    client,
    execute(sql: string): void {
      const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
      database.exec(`PRAGMA busy_timeout = 5000; ${sql}`);
      database.close();
    },
    async copy(category: Category): Promise<void> {
      await source.installChangeLog();
      const queue = { send: async (sent: readonly RangeTask[]) => void tasks.push(...sent) };
      const recordTypes = tablesOf(hal9Definition, category).map(({ recordType }) => recordType);
      await makePlanBackfill({ ...deps, queue }).plan('run', recordTypes);
      for (const task of tasks.splice(0)) await makeMigrateRange(deps)(task, 'worker');
    },
    /** Carries all changes of the flat store over. */
    async relay(category: Category): Promise<void> {
      const queue = { send: async (message: ChangeMessage) => void messages.push(message) };
      const step = makeRelayChanges({ ...deps, queue });
      for (;;) {
        const { caughtUp } = await step(category);
        for (const message of messages.splice(0)) await makeApplyChanges(deps)(message);
        if (caughtUp) return;
      }
    },
    async close(): Promise<void> {
      await source.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export type CopiedStore = Awaited<ReturnType<typeof makeCopiedStore>>;
