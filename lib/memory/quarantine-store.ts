import { recordPk } from '../migration/key.ts';
import type { QuarantineStore } from '../migration/ports.ts';
import { compareVersions } from '../migration/record.ts';
import { entryOrigin } from '../migration/set-aside-key.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';
import type { MemoryWorld } from './world.ts';

export function makeMemoryQuarantineStore(
  world: MemoryWorld,
  interleave: Interleave = uninterrupted,
): QuarantineStore {
  return {
    put: (entry) =>
      transaction(interleave, 'quarantine.put', () => {
        const pk = recordPk(entry.key);
        const stored = world.quarantine.get(pk);
        if (stored !== undefined && compareVersions(stored.version, entry.version) > 0) return;
        const firstSeenAtMs = stored?.firstSeenAtMs ?? entry.firstSeenAtMs;
        world.quarantine.set(pk, { ...entry, firstSeenAtMs, attempts: (stored?.attempts ?? 0) + 1 });
      }),
    resolve: (key, _category, version) =>
      transaction(interleave, 'quarantine.resolve', () => {
        const stored = world.quarantine.get(recordPk(key));
        if (stored !== undefined && compareVersions(stored.version, version) <= 0) {
          world.quarantine.delete(recordPk(key));
        }
      }),
    find: (category, keys) =>
      observation(interleave, 'quarantine.find', () =>
        keys.filter((key) => world.quarantine.get(recordPk(key))?.category === category),
      ),
    list: (category, cursor, limit) =>
      observation(interleave, 'quarantine.list', () => {
        const found = [...world.quarantine.entries()]
          .filter(([pk, entry]) => entry.category === category && (cursor === null || pk > cursor))
          .toSorted(([left], [right]) => (left < right ? -1 : 1));
        const taken = found.slice(0, limit);
        return {
          entries: taken.map(([, entry]) => entry),
          cursor: found.length > limit ? (taken.at(-1)?.[0] ?? null) : null,
        };
      }),
    get: (category, key) =>
      observation(interleave, 'quarantine.get', () => {
        const entry = world.quarantine.get(recordPk(key));
        return entry?.category === category ? entry : null;
      }),
    count: (category) =>
      observation(
        interleave,
        'quarantine.count',
        () => [...world.quarantine.values()].filter((entry) => entry.category === category).length,
      ),
    countUnconverted: (category) =>
      observation(
        interleave,
        'quarantine.countUnconverted',
        () =>
          [...world.quarantine.values()].filter(
            (entry) => entry.category === category && entryOrigin(entry.key).restoreId === null,
          ).length,
      ),
  };
}
