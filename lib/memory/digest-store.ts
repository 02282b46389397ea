import type { DigestStore } from '../migration/ports.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';
import type { MemoryWorld } from './world.ts';

export function makeMemoryDigestStore(
  world: MemoryWorld,
  interleave: Interleave = uninterrupted,
): DigestStore {
  const { digests } = world;
  return {
    save: (name, bytes) =>
      transaction(interleave, 'digests.save', () => {
        digests.set(name, bytes.slice());
      }),
    load: (name) => observation(interleave, 'digests.load', () => digests.get(name)?.slice() ?? null),
    remove: (names) =>
      transaction(interleave, 'digests.remove', () => {
        for (const name of names) digests.delete(name);
      }),
  };
}
