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
import type { Category } from '../../../lib/migration/category.ts';
import { hal9Categories as categories } from '../../../lib/migration/hal9-definition.ts';
import { convertImage } from '../../../lib/migration/convert-image.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { tableOf, tablesOf } from '../../../lib/migration/table-lookup.ts';
import type { PlantedBug } from '../../../local/hal9/planted-bug.ts';
import { startServices } from '../../../local/hal9/start-services.ts';
import { hal9Row } from './hal9-rows.ts';

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
