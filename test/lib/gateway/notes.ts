import type { GatewayDeps } from '../../../lib/gateway/outcome.ts';
import { makeGateway } from '../../../lib/gateway/gateway.ts';
import { seededRandom } from '../../../lib/kernel/random.ts';
import { makeMemoryAuthorityStore } from '../../../lib/memory/authority-store.ts';
import { makeMemoryFlatRecords } from '../../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../../lib/memory/flat-source.ts';
import { makeFlatStore } from '../../../lib/memory/flat-store.ts';
import { makeMemoryHierarchicalRecords } from '../../../lib/memory/hierarchical-records.ts';
import { uninterrupted, type Interleave } from '../../../lib/memory/interleave.ts';
import { makeMemoryTargetStore } from '../../../lib/memory/target-store.ts';
import { makeMemoryWorld } from '../../../lib/memory/world.ts';
import { bucketOf } from '../../../lib/migration/bucket.ts';
import { convertImage } from '../../../lib/migration/convert-image.ts';
import type { MigrationDefinition } from '../../../lib/migration/definition.ts';
import { keyOfPk } from '../../../lib/migration/key.ts';
import type { FlatRow, RecordKey } from '../../../lib/migration/row.ts';
import { tableOf } from '../../../lib/migration/table-lookup.ts';

export const category = 'configuration';

/** One table whose rows have a hierarchical form unless their text is `unfit`. */
const notes: MigrationDefinition = {
  name: 'notes',
  tables: [
    {
      recordType: 'note',
      table: 'notes',
      category,
      keyColumns: ['id'],
      columns: [
        { name: 'id', storage: 'text', nullable: false },
        { name: 'text', storage: 'text', nullable: false },
      ],
      transform: {
        convert: (row) =>
          row['text'] === 'unfit'
            ? { kind: 'rejected', errorName: 'Unfit', message: 'has no hierarchical form' }
            : { kind: 'converted', record: { body: { note: { id: row['id'], text: row['text'] } } } },
        restore: (body) => (body as { note: FlatRow }).note,
      },
    },
  ],
};

export function noteKey(id: string): RecordKey {
  return { recordType: 'note', id };
}

export function note(id: string, text: string): FlatRow {
  return { id, text };
}

/** Both stores in memory, the gateway over them, and the switches of authority reduced to their steps. */
export function makeNotesWorld(options: {
  interleave?: Interleave;
  conflicts?: () => boolean;
  clock?: GatewayDeps['clock'];
  sleeper?: GatewayDeps['sleeper'];
  maxWaitMs?: number;
  /** Time that passes between the stages of a switch. */
  betweenStages?: () => Promise<void>;
}) {
  const flatStore = makeFlatStore(notes);
  flatStore.installed = true;
  const world = makeMemoryWorld();
  const interleave = options.interleave ?? uninterrupted;
  const betweenStages = options.betweenStages ?? (() => Promise.resolve());
  const source = makeMemoryFlatSource(flatStore);
  const authority = makeMemoryAuthorityStore(world);
  const target = makeMemoryTargetStore(world);
  let nowMs = 0;
  const deps: GatewayDeps = {
    flat: makeMemoryFlatRecords(flatStore, interleave),
    hierarchical: makeMemoryHierarchicalRecords(world, interleave, options.conflicts),
    authority: makeMemoryAuthorityStore(world, interleave),
    definition: notes,
    clock: options.clock ?? { nowMs: () => nowMs },
    sleeper: options.sleeper ?? {
      sleep: (durationMs) => {
        nowMs += durationMs;
        return Promise.resolve();
      },
    },
    random: seededRandom(1),
    maxWaitMs: options.maxWaitMs ?? 5_000,
  };

  const drainForward = async (): Promise<void> => {
    const table = tableOf(notes, 'note');
    const ids = new Set((flatStore.logs.get(category) ?? []).map(({ key }) => key.id));
    const { images, lowWatermark } = await source.readCurrent(category, [...ids].map(noteKey));
    for (const image of images) {
      const { record } = convertImage(image, table, { nowMs: 0, lowWatermark });
      await target.applyVersioned([record]);
    }
  };

  const drainReverse = async (): Promise<void> => {
    for (const entry of world.reversePending.values()) {
      const record = world.records.get(`note/${entry.key.id}`);
      if (record === undefined) throw new Error('pending record is missing');
      const row = record.body === null ? null : notes.tables[0]!.transform.restore(JSON.parse(record.body));
      await source.applyReverse(category, [{ key: record.key, version: record.version, row }]);
    }
    world.reversePending.clear();
  };

  return {
    flatStore,
    world,
    source,
    authority,
    gateway: makeGateway(deps),
    otherGateway: makeGateway(deps),
    groupOf: (id: string) => bucketOf(keyOfPk(`note/${id}`)) >> 6,
    async fenceFlat(epoch: number) {
      await authority.initialize(category, epoch);
      await source.fence(category, epoch);
    },
    async finishToHierarchical(epoch: number) {
      await source.follow(category, epoch);
      await betweenStages();
      await drainForward();
      await betweenStages();
      await authority.open(category, 'hierarchical', epoch);
    },
    async fenceHierarchical(epoch: number) {
      await authority.fence(category, epoch);
    },
    async finishToFlat(epoch: number) {
      await drainReverse();
      await source.open(category, epoch);
      await authority.open(category, 'flat', epoch);
    },
  };
}
