import { HalError } from '../kernel/errors.ts';
import { fenceItem, openItem, unfenceItem } from '../migration/admission.ts';
import { groupCount } from '../migration/bucket.ts';
import type { Category } from '../migration/category.ts';
import type { AuthorityItem, AuthorityStore } from '../migration/ports.ts';
import { observation, uninterrupted, type Interleave } from './interleave.ts';
import type { MemoryWorld } from './world.ts';

export function authorityKey(category: Category, group: number): string {
  return `${category}/${group}`;
}

/** What a change makes of one item, and the epoch from which on a later switch has overtaken it. */
interface Change {
  readonly name: string;
  readonly next: (item: AuthorityItem) => AuthorityItem | null;
  readonly overtakenAt: number;
}

/**
 * Items are written one after the other: an interruption leaves some of them moved. Throws `AuthorityBehind` when an
 * item is absent, of an older epoch than the change starts from, or would leave a side that was not fenced.
 */
export function makeMemoryAuthorityStore(
  world: MemoryWorld,
  interleave: Interleave = uninterrupted,
): AuthorityStore {
  const itemOf = (category: Category, group: number): AuthorityItem | null =>
    world.authority.get(authorityKey(category, group)) ?? null;
  const eachGroup = async (name: string, effect: (group: number) => void): Promise<void> => {
    await interleave(`authority.${name}:call`);
    for (let group = 0; group < groupCount; group += 1) {
      // As often as adapters that move several items at a time would be interrupted.
      if (group % 16 === 15) await interleave(`authority.${name}:item`);
      effect(group);
    }
    await interleave(`authority.${name}:reply`);
  };
  const changeAll = (category: Category, change: Change): Promise<void> =>
    eachGroup(change.name, (group) => {
      const item = itemOf(category, group);
      const next = item === null ? null : change.next(item);
      if (next !== null) world.authority.set(authorityKey(category, group), next);
      else if (change.overtakenAt > 0 && (item === null || item.epoch < change.overtakenAt))
        throw behind(category, group, change.name);
    });
  return {
    initialize: (category, epoch) =>
      eachGroup('initialize', (group) => {
        if (itemOf(category, group) !== null) return;
        const item: AuthorityItem = { category, group, side: 'flat', epoch, fenced: false };
        world.authority.set(authorityKey(category, group), item);
      }),
    read: (category, group) => observation(interleave, 'authority.read', () => itemOf(category, group)),
    readAll: (category) =>
      observation(interleave, 'authority.readAll', () =>
        Array.from({ length: groupCount }, (_, group) => itemOf(category, group)).filter(
          (item) => item !== null,
        ),
      ),
    fence: (category, epoch) =>
      changeAll(category, {
        name: 'fence',
        next: (item) => fenceItem(item, epoch),
        overtakenAt: epoch + 1,
      }),
    unfence: (category, epoch) =>
      changeAll(category, {
        name: 'unfence',
        next: (item) => unfenceItem(item, epoch, world.switches.get(category)),
        // What is not lifted is another switch's, or was never set.
        overtakenAt: 0,
      }),
    open: (category, side, epoch) =>
      changeAll(category, {
        name: 'open',
        next: (item) => openItem(item, side, epoch),
        overtakenAt: epoch,
      }),
  };
}

function behind(category: Category, group: number, attempted: string): HalError {
  return new HalError({
    name: 'AuthorityBehind',
    message: `cannot ${attempted} ${category}: authority item ${group} is not there yet`,
    remedy: 'finish or abort the switch of the category first',
    exit: 'conflict',
    facts: { category, group, attempted },
  });
}
