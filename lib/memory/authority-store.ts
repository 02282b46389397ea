import { groupCount } from '../migration/bucket.ts';
import type { Category } from '../migration/category.ts';
import type { AuthorityItem, AuthorityStore } from '../migration/ports.ts';
import { transaction, uninterrupted, type Interleave } from './interleave.ts';
import type { MemoryWorld } from './world.ts';

export function authorityKey(category: Category, group: number): string {
  return `${category}/${group}`;
}

/** Items are written one after the other: an interruption leaves some of them moved. */
export function makeMemoryAuthorityStore(
  world: MemoryWorld,
  interleave: Interleave = uninterrupted,
): AuthorityStore {
  const itemOf = (category: Category, group: number): AuthorityItem | null =>
    world.authority.get(authorityKey(category, group)) ?? null;
  const moveAll = async (
    name: string,
    category: Category,
    next: (item: AuthorityItem | null, group: number) => AuthorityItem | null,
  ): Promise<void> => {
    await interleave(`authority.${name}:call`);
    for (let group = 0; group < groupCount; group += 1) {
      // As often as adapters that move several items at a time would be interrupted.
      if (group % 16 === 15) await interleave(`authority.${name}:item`);
      const moved = next(itemOf(category, group), group);
      if (moved !== null) world.authority.set(authorityKey(category, group), moved);
    }
    await interleave(`authority.${name}:reply`);
  };
  const setFence = (name: string, category: Category, epoch: number, fenced: boolean): Promise<void> =>
    moveAll(name, category, (item) => (item?.epoch === epoch ? { ...item, fenced } : null));
  return {
    initialize: (category, epoch) =>
      moveAll('initialize', category, (item, group) =>
        item === null ? { category, group, side: 'flat', epoch, fenced: false } : null,
      ),
    read: (category, group) => transaction(interleave, 'authority.read', () => itemOf(category, group)),
    readAll: (category) =>
      transaction(interleave, 'authority.readAll', () =>
        Array.from({ length: groupCount }, (_, group) => itemOf(category, group)).filter(
          (item) => item !== null,
        ),
      ),
    fence: (category, epoch) => setFence('fence', category, epoch, true),
    unfence: (category, epoch) => setFence('unfence', category, epoch, false),
    open: (category, side, epoch) =>
      moveAll('open', category, (item, group) =>
        item?.epoch === epoch - 1 ? { category, group, side, epoch, fenced: false } : null,
      ),
  };
}
