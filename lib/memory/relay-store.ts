import type { Category } from '../migration/category.ts';
import type { RelayBatch, RelayStore } from '../migration/ports.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';
import type { MemoryWorld } from './world.ts';

export function makeMemoryRelayStore(world: MemoryWorld, interleave: Interleave = uninterrupted): RelayStore {
  const batchesOf = (category: Category): RelayBatch[] => world.relayBatches.get(category) ?? [];
  return {
    cursor: (category) =>
      observation(interleave, 'relay.cursor', () => world.relayCursors.get(category) ?? 0),
    begin: (batch) =>
      transaction(interleave, 'relay.begin', () => {
        if ((world.relayCursors.get(batch.category) ?? 0) !== batch.afterSequence) return false;
        world.relayCursors.set(batch.category, batch.throughSequence);
        world.relayBatches.set(batch.category, [...batchesOf(batch.category), batch]);
        return true;
      }),
    finish: (category, throughSequence) =>
      transaction(interleave, 'relay.finish', () => {
        const rest = batchesOf(category).filter((batch) => batch.throughSequence !== throughSequence);
        world.relayBatches.set(category, rest);
      }),
    pending: (category, limit) =>
      observation(interleave, 'relay.pending', () => batchesOf(category).slice(0, limit)),
  };
}
