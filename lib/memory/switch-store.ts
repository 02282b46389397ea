import type { SwitchRecord, SwitchStore } from '../migration/ports.ts';
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
        if (!mayFollow(world.switches.get(record.category), record)) return false;
        world.switches.set(record.category, record);
        return true;
      }),
    advance: (record, from) =>
      transaction(interleave, 'switches.advance', () => {
        const stored = world.switches.get(record.category);
        if (stored?.epoch !== record.epoch || stored.stage !== from) return false;
        world.switches.set(record.category, record);
        return true;
      }),
  };
}

/** After a finished switch the next epoch, after an aborted one the same epoch once more. */
function mayFollow(last: SwitchRecord | undefined, next: SwitchRecord): boolean {
  if (last === undefined) return next.epoch === 2;
  if (last.stage === 'done') return next.epoch === last.epoch + 1;
  return last.stage === 'aborted' && next.epoch === last.epoch;
}
