import { mayAdvance, mayBegin } from '../migration/admission.ts';
import type { SwitchStore } from '../migration/ports.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';
import type { MemoryWorld } from './world.ts';

export function makeMemorySwitchStore(
  world: MemoryWorld,
  interleave: Interleave = uninterrupted,
): SwitchStore {
  return {
    current: (category) =>
      observation(interleave, 'switches.current', () => world.switches.get(category) ?? null),
    begin: (record) =>
      transaction(interleave, 'switches.begin', () => {
        if (!mayBegin(world.switches.get(record.category), record)) return false;
        world.switches.set(record.category, record);
        return true;
      }),
    advance: (record, from) =>
      transaction(interleave, 'switches.advance', () => {
        if (!mayAdvance(world.switches.get(record.category), record, from)) return false;
        world.switches.set(record.category, record);
        return true;
      }),
  };
}
