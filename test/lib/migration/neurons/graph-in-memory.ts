import { makeMemoryAuthorityStore } from '../../../../lib/memory/authority-store.ts';
import { makeMemoryFlatRecords } from '../../../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../../../lib/memory/flat-source.ts';
import { keyOfRow, makeFlatStore } from '../../../../lib/memory/flat-store.ts';
import { makeMemoryFlatWriter } from '../../../../lib/memory/flat-writer.ts';
import { makeMemoryHierarchicalRecords } from '../../../../lib/memory/hierarchical-records.ts';
import { makeMemoryLayerManifestStore } from '../../../../lib/memory/layer-manifest-store.ts';
import { makeMemoryQuarantineStore } from '../../../../lib/memory/quarantine-store.ts';
import { makeMemoryRangeStore } from '../../../../lib/memory/range-store.ts';
import { makeMemoryRelayStore } from '../../../../lib/memory/relay-store.ts';
import { makeMemoryTargetStore } from '../../../../lib/memory/target-store.ts';
import { makeMemoryWorld, putRecord } from '../../../../lib/memory/world.ts';
import { makeApplyChanges } from '../../../../lib/migration/apply-changes.ts';
import { hal9Definition } from '../../../../lib/migration/hal9-definition.ts';
import { encodeKey, recordPk } from '../../../../lib/migration/key.ts';
import { makeMigrateRange } from '../../../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../../../lib/migration/plan-backfill.ts';
import type { ChangeMessage, RangeTask } from '../../../../lib/migration/ports.ts';
import { sealRecord } from '../../../../lib/migration/record-hash.ts';
import { makeRelayChanges } from '../../../../lib/migration/relay-changes.ts';
import type { FlatRow } from '../../../../lib/migration/row.ts';
import { tableOf, tablesOf } from '../../../../lib/migration/table-lookup.ts';

const category = 'neuron-states';
const createdAt = '2025-01-02T03:04:05.000Z';
const common = { organization_id: null, updated_at: 1n, version: 1n, checksum: null };

/** One role for each layer, bottom up. */
export const roles = ['storage', 'router', 'thinker', 'scheduler', 'learner'] as const;

export function neuronRow(name: string, role: string | null = 'thinker', more: FlatRow = {}): FlatRow {
  return {
    neuron_key: name,
    id: `row-${name}`,
    neuron_type: 'planner',
    role,
    state: 'idle',
    activation: 0.5,
    learning_rate: 0.5,
    avg_response_time_ms: 5,
    is_async: 0n,
    created_at: createdAt,
    ...common,
    ...more,
  };
}

export function connectionRow(source: string, target: string, weight = 0.5, type = 'forward'): FlatRow {
  return { source, target, conn_type: type, id: `${source}>${target}`, weight, ordinal: 0n, ...common };
}

export const neuronKey = (name: string) => ({ recordType: 'neuron', id: encodeKey([name]) });
export const connectionKey = (source: string, target: string, type = 'forward') => ({
  recordType: 'connection',
  id: encodeKey([source, target, type]),
});

/** A graph of neurons in memory, both sides of it. */
export function graphInMemory() {
  const time = { nowMs: 1_700_000_000_000 };
  const clock = { nowMs: () => time.nowMs };
  const sleeper = {
    sleep: (durationMs: number) => {
      time.nowMs += durationMs;
      return Promise.resolve();
    },
  };
  const world = makeMemoryWorld();
  const store = makeFlatStore(hal9Definition);
  const deps = {
    definition: hal9Definition,
    clock,
    sleeper,
    source: makeMemoryFlatSource(store),
    target: makeMemoryTargetStore(world),
    ranges: makeMemoryRangeStore(world, clock),
    relay: makeMemoryRelayStore(world),
    authority: makeMemoryAuthorityStore(world),
    quarantine: makeMemoryQuarantineStore(world),
    flatWriter: makeMemoryFlatWriter(store),
    hierarchical: makeMemoryHierarchicalRecords(world),
    manifests: makeMemoryLayerManifestStore(),
  };
  const records = makeMemoryFlatRecords(store);
  const messages: ChangeMessage[] = [];
  return {
    deps,
    world,
    time,
    async put(recordType: 'neuron' | 'connection', ...rows: readonly FlatRow[]): Promise<void> {
      for (const row of rows) {
        await records.write(category, keyOfRow(tableOf(hal9Definition, recordType), row), row, 1);
      }
    },
    async remove(key: { recordType: string; id: string }): Promise<void> {
      await records.write(category, key, null, 1);
    },
    async copy(): Promise<void> {
      await deps.source.installChangeLog();
      const tasks: RangeTask[] = [];
      const queue = { send: (sent: readonly RangeTask[]) => Promise.resolve(void tasks.push(...sent)) };
      const recordTypes = tablesOf(hal9Definition, category).map(({ recordType }) => recordType);
      await makePlanBackfill({ ...deps, queue }).plan('run', recordTypes);
      for (const task of tasks) await makeMigrateRange(deps)(task, 'worker');
    },
    /** Carries all changes of the flat store over. */
    async relay(): Promise<void> {
      const queue = { send: (message: ChangeMessage) => Promise.resolve(void messages.push(message)) };
      const step = makeRelayChanges({ ...deps, queue });
      for (;;) {
        const { caughtUp } = await step(category);
        for (const message of messages.splice(0)) await makeApplyChanges(deps)(message);
        if (caughtUp) return;
      }
    },
    /** Writes another body over a record of the target, with a hash that fits. */
    damage(key: { recordType: string; id: string }, edit: (body: string) => string): void {
      const record = world.records.get(recordPk(key));
      if (record === undefined) throw new Error(`no record ${recordPk(key)}`);
      putRecord(world, recordPk(key), sealRecord({ ...record, body: edit(record.body ?? '') }));
    },
  };
}

export type GraphInMemory = ReturnType<typeof graphInMemory>;

/** Two neurons in each layer, with edges up, down and across: 10 neurons, 9 edges. */
export async function smallGraph(): Promise<GraphInMemory> {
  const graph = graphInMemory();
  for (const role of roles)
    await graph.put('neuron', neuronRow(`${role}-1`, role), neuronRow(`${role}-2`, role));
  for (const [at, role] of roles.entries()) {
    const above = roles[at + 1];
    await graph.put('connection', connectionRow(`${role}-1`, `${role}-2`, 0.25));
    if (above !== undefined) await graph.put('connection', connectionRow(`${role}-2`, `${above}-1`, 0.75));
  }
  return graph;
}
