import type { Checkpoint } from '../orchestrator/checkpoint.ts';
import type { CheckpointStore } from '../orchestrator/ports.ts';

export function makeMemoryCheckpointStore(): CheckpointStore {
  const checkpoints = new Map<string, Checkpoint>();
  return {
    put: async (checkpoint) => {
      if (!checkpoints.has(checkpoint.checkpointId)) checkpoints.set(checkpoint.checkpointId, checkpoint);
    },
    list: async (limit) =>
      [...checkpoints.values()]
        .toSorted((left, right) => right.createdAtMs - left.createdAtMs)
        .slice(0, limit),
  };
}
