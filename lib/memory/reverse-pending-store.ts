import { recordPk } from '../migration/key.ts';
import type { ReversePendingStore } from '../migration/ports.ts';
import { compareVersions } from '../migration/record.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';
import type { MemoryWorld } from './world.ts';

export function makeMemoryReversePendingStore(
  world: MemoryWorld,
  interleave: Interleave = uninterrupted,
): ReversePendingStore {
  return {
    list: (category, group, limit) =>
      observation(interleave, 'reversePending.list', () =>
        [...world.reversePending.values()]
          .filter((entry) => entry.category === category && entry.group === group)
          .slice(0, limit),
      ),
    remove: (entry) =>
      transaction(interleave, 'reversePending.remove', () => {
        const pk = recordPk(entry.key);
        const stored = world.reversePending.get(pk);
        if (stored !== undefined && compareVersions(stored.version, entry.version) <= 0) {
          world.reversePending.delete(pk);
        }
      }),
    count: (category) =>
      observation(
        interleave,
        'reversePending.count',
        () => [...world.reversePending.values()].filter((entry) => entry.category === category).length,
      ),
  };
}
