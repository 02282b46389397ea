import type { Category } from '../migration/category.ts';

/** Groups that were seen on the hierarchical side, with the epoch of that. */
export interface SeenSides {
  has(category: Category, group: number, epoch: number): boolean;
  add(category: Category, group: number, epoch: number): void;
}

/**
 * Spares reads the second look at an item that cannot have changed: a group that was once hierarchical at an epoch
 * stays so for as long as flat follows at that epoch, since flat opens, at the next epoch, before the group leaves.
 * Holds one number per group.
 */
export function makeSeenSides(): SeenSides {
  const epochs = new Map<string, number>();
  return {
    has: (category, group, epoch) => epochs.get(`${category}/${group}`) === epoch,
    add: (category, group, epoch) => void epochs.set(`${category}/${group}`, epoch),
  };
}
