import { makeAuthorityStore } from '../../lib/aws/authority-store.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeHierarchicalRecords } from '../../lib/aws/hierarchical-records.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeSwitchStore } from '../../lib/aws/switch-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { makeGateway } from '../../lib/gateway/gateway.ts';
import { seededRandom } from '../../lib/kernel/random.ts';
import { makeApplyChanges } from '../../lib/migration/apply-changes.ts';
import type { Category } from '../../lib/migration/category.ts';
import { drainReverse } from '../../lib/migration/drain-reverse.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { makeMigrateRange } from '../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../lib/migration/plan-backfill.ts';
import type { ChangeMessage, RangeTask } from '../../lib/migration/ports.ts';
import { makeRelayChanges } from '../../lib/migration/relay-changes.ts';
import { makeSwitchAuthority } from '../../lib/migration/switch-authority.ts';
import { tablesOf } from '../../lib/migration/table-lookup.ts';
import type { TestDynamo } from './dynoxide.ts';
import type { FlatEngine } from './flat-engines.ts';

/** A generated HAL9 store beside a DynamoDB, with queues that are emptied at once. */
export async function makeCopiedStore(dynamo: TestDynamo, engine: FlatEngine, records: number) {
  const flat = await engine.generate(records);
  const tables = await dynamo.createTables();
  const { client } = dynamo;
  const clock = { nowMs: () => Date.now() };
  const { source } = flat;
  const deps = {
    definition: hal9Definition,
    clock,
    sleeper: realSleeper,
    source,
    target: makeTargetStore({ client, table: tables.state }),
    ranges: makeRangeStore({ client, table: tables.progress, clock }),
    relay: makeRelayStore({ client, table: tables.progress }),
    quarantine: makeQuarantineStore({ client, table: tables.quarantine }),
    authority: makeAuthorityStore({ client, table: tables.authority }),
    reversePending: makeReversePendingStore({ client, table: tables.reversePending }),
    switches: makeSwitchStore({ client, table: tables.authority }),
  };
  const rows = flat.openRecords();
  const hierarchical = makeHierarchicalRecords({ client, tables });
  const switching = makeSwitchAuthority({ ...deps, guards: null });
  const messages: ChangeMessage[] = [];
  const tasks: RangeTask[] = [];
  return {
    flat,
    deps,
    hierarchical,
    tables,
    client,
    /** As users read and write. */
    gateway: makeGateway({
      ...deps,
      flat: rows,
      hierarchical,
      random: seededRandom(1),
      maxWaitMs: 1_000,
    }),
    execute: (sql: string) => flat.execute(sql),
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
    async switchTo(to: 'flat' | 'hierarchical', category: Category): Promise<void> {
      await switching.switchTo({ category, to, requestedBy: 'test' });
    },
    /** Carries all changes of the hierarchical authority back to flat. */
    async carryBack(category: Category): Promise<void> {
      await drainReverse(deps, category);
    },
    async close(): Promise<void> {
      await rows.close();
      await flat.close();
    },
  };
}

export type CopiedStore = Awaited<ReturnType<typeof makeCopiedStore>>;
