import { setTimeout as delay } from 'node:timers/promises';

import { makeGateway } from '../../../lib/gateway/gateway.ts';
import { seededRandom } from '../../../lib/kernel/random.ts';
import { makeMemoryAuthorityStore } from '../../../lib/memory/authority-store.ts';
import { makeMemoryFlatRecords } from '../../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../../lib/memory/flat-source.ts';
import { keyOfRow, makeFlatStore, setRow } from '../../../lib/memory/flat-store.ts';
import { makeMemoryHierarchicalRecords } from '../../../lib/memory/hierarchical-records.ts';
import { makeMemoryTargetStore } from '../../../lib/memory/target-store.ts';
import { makeMemoryWorld } from '../../../lib/memory/world.ts';
import { categories, type Category } from '../../../lib/migration/category.ts';
import { convertImage } from '../../../lib/migration/convert-image.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import type { FlatRow } from '../../../lib/migration/row.ts';
import { tableOf, tablesOf } from '../../../lib/migration/table-lookup.ts';
import type { PlantedBug } from '../../../local/hal9/planted-bug.ts';
import { startServices } from '../../../local/hal9/start-services.ts';

const common = { updated_at: 1_700_000_000_000n, version: 1n, checksum: null, organization_id: null };

/** One row of a table, numbered; every column that the definition asks for is there. */
export function hal9Row(recordType: string, number: number): FlatRow {
  const row = rows[recordType];
  if (row === undefined) throw new Error(`no sample row of ${recordType}`);
  return { ...row(number), ...common };
}

const rows: Record<string, (n: number) => FlatRow> = {
  user: (n) => ({
    id: `user-${n}`,
    username: `name-${n}`,
    email: null,
    role: 'user',
    is_active: 1n,
    last_login: null,
    created_at: 1_700_000_000n,
  }),
  session: (n) => ({
    id: `session-${n}`,
    user_id: `user-${n}`,
    token_hash: `hash-${n}`,
    ip: null,
    user_agent: 'agent/1.0',
    region: 'us-west',
    data: '{"theme":"dark"}',
    created_at: 1_700_000_000n,
    last_accessed_at: null,
    expires_at: 4_000_000_000n,
  }),
  neuron: (n) => ({
    neuron_key: `neuron-${n}`,
    id: `row-${n}`,
    neuron_id: null,
    declared_layer: 'L3',
    neuron_type: 'planner',
    role: null,
    state: 'idle',
    system_prompt: null,
    settings: null,
    activation: 0.5,
    weights: '[0.25,0.5]',
    biases: null,
    learning_rate: 0.125,
    momentum: null,
    memory: null,
    context: null,
    avg_response_time_ms: 1.5,
    connection_count: 1n,
    is_async: 0n,
    created_at: 1_700_000_000n,
  }),
  connection: (n) => ({
    source: `neuron-${n}`,
    target: `neuron-${n + 1}`,
    conn_type: 'forward',
    id: `connection-${n}`,
    weight: 0.5,
    ordinal: BigInt(n),
    metadata: null,
  }),
  signal: (n) => ({
    id: `signal-${n}`,
    from_neuron: `neuron-${n}`,
    to_neuron: null,
    layer_from: null,
    layer_to: null,
    propagation_type: 'forward',
    batch_id: null,
    content: 'hello',
    strength: 1,
    features: null,
    gradient: null,
    metadata: null,
    timestamp: 1_700_000_000n,
  }),
  learning: (n) => ({
    id: `learning-${n}`,
    record_type: 'memory',
    neuron_id: `neuron-${n}`,
    layer: null,
    entry_type: '"Task"',
    payload: '{"content":"text"}',
    embedding: new Uint8Array([0, 0, 0, 63]),
    importance: 0.5,
    access_count: 9_007_199_254_740_993n,
    created_at: 1_700_000_000n,
    last_accessed: null,
  }),
  config: (n) => ({
    scope: 'server',
    path: `limits/cpu %${n}`,
    id: `config-${n}`,
    value: '42',
    revision: 1n,
  }),
  metadata: (n) => ({
    kind: 'audit',
    seq: BigInt(n),
    id: `metadata-${n}`,
    ts: '2025-01-01T00:00:00Z',
    actor: null,
    resource: null,
    labels: null,
    body: '{"action":"login"}',
  }),
};

/** A turn of the event loop between any two steps, as with real stores. */
function interleave(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Both services over stores in memory that hold `rowsPerTable` rows of every table, with real HTTP servers. */
export async function startMemoryServices(options: { rowsPerTable: number; plantedBug?: PlantedBug }) {
  const flatStore = makeFlatStore(hal9Definition);
  for (const table of hal9Definition.tables) {
    for (let number = 0; number < options.rowsPerTable; number += 1) {
      const row = hal9Row(table.recordType, number);
      setRow(flatStore, table, keyOfRow(table, row).id, row);
    }
  }
  flatStore.installed = true;
  const world = makeMemoryWorld();
  const source = makeMemoryFlatSource(flatStore);
  const authority = makeMemoryAuthorityStore(world);
  const target = makeMemoryTargetStore(world);
  const timing = {
    clock: { nowMs: () => performance.now() },
    sleeper: { sleep: (durationMs: number) => delay(durationMs) },
    random: seededRandom(7),
  };
  const makeOwnGateway = () =>
    makeGateway({
      flat: makeMemoryFlatRecords(flatStore, interleave),
      hierarchical: makeMemoryHierarchicalRecords(world, interleave),
      authority: makeMemoryAuthorityStore(world, interleave),
      definition: hal9Definition,
      maxWaitMs: 5_000,
      ...timing,
    });
  const services = await startServices(
    {
      gateways: { flat: makeOwnGateway(), hierarchical: makeOwnGateway() },
      definition: hal9Definition,
      ...timing,
    },
    { ports: { flat: 0, hierarchical: 0, admin: 0 }, plantedBug: options.plantedBug },
  );

  const copyForward = async (category: Category): Promise<void> => {
    for (const table of tablesOf(hal9Definition, category)) {
      const { lowWatermark, images } = await source.readRange(
        table.recordType,
        { after: null, upTo: null },
        1e6,
      );
      const records = images.map((image) => convertImage(image, table, { nowMs: 0, lowWatermark }).record);
      const live = new Set(records.map(({ key }) => key.id));
      const gone = [...world.records.values()].filter(
        ({ key, state }) => key.recordType === table.recordType && state === 'live' && !live.has(key.id),
      );
      const { images: deleted } = await source.readCurrent(
        category,
        gone.map(({ key }) => key),
      );
      const tombstones = deleted.map(
        (image) => convertImage(image, table, { nowMs: 0, lowWatermark }).record,
      );
      for (const record of [...records, ...tombstones]) await target.applyVersioned([record]);
    }
  };

  const carryBack = async (category: Category): Promise<void> => {
    for (const [pk, entry] of world.reversePending) {
      if (entry.category !== category) continue;
      const { key, version, body } = world.records.get(pk)!;
      const { transform } = tableOf(hal9Definition, key.recordType);
      const row = body === null ? null : transform.restore(JSON.parse(body));
      await source.applyReverse(category, [{ key, version, row }]);
      world.reversePending.delete(pk);
    }
  };

  return {
    source,
    services,
    gateway: makeOwnGateway(),
    flatUrl: `http://127.0.0.1:${services.ports.flat}`,
    hierarchicalUrl: `http://127.0.0.1:${services.ports.hierarchical}`,
    adminUrl: `http://127.0.0.1:${services.ports.admin}`,
    async switchToHierarchical(epoch: number) {
      for (const category of categories) {
        await authority.initialize(category, epoch - 1);
        await source.fence(category, epoch - 1);
        await copyForward(category);
        await authority.open(category, 'hierarchical', epoch);
        await source.follow(category, epoch);
      }
    },
    async switchToFlat(epoch: number) {
      for (const category of categories) {
        await authority.fence(category, epoch - 1);
        await carryBack(category);
        await source.open(category, epoch);
        await authority.open(category, 'flat', epoch);
      }
    },
  };
}
