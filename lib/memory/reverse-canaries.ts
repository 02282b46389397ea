import { recordPk } from '../migration/key.ts';
import type { ReverseCanaries } from '../migration/reverse-canary.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';
import { putRecord, type MemoryWorld } from './world.ts';

export function makeMemoryReverseCanaries(
  world: MemoryWorld,
  interleave: Interleave = uninterrupted,
): ReverseCanaries {
  return {
    plant: (record, entry) =>
      transaction(interleave, 'canaries.plant', () => {
        const pk = recordPk(record.key);
        world.reversePending.set(pk, entry);
        putRecord(world, pk, record);
      }),
    isBack: ({ key }) =>
      observation(interleave, 'canaries.isBack', () => !world.reversePending.has(recordPk(key))),
    clear: ({ key }) =>
      transaction(interleave, 'canaries.clear', () => {
        world.reversePending.delete(recordPk(key));
        world.records.delete(recordPk(key));
      }),
  };
}
