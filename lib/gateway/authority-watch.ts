import type { RecordKey } from '../migration/row.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import type { GatewayDeps } from './outcome.ts';
import { hierarchicalSide, pollMs } from './read-once.ts';

export interface AuthorityWatch {
  /** Resolves when writes to the category are admitted somewhere, or after about a second. */
  untilWritable(table: MigratedTable, key: RecordKey): Promise<void>;
}

/** The longest that one watch goes on, so that those who wait look at their own deadline in between. */
const maxWatchMs = 1_000;

/**
 * While authority over a category moves, all its waiting writes share one look at it every few milliseconds:
 * hundreds of writers that each looked for themselves would slow down the very switch that they wait for.
 */
export function makeAuthorityWatch(
  deps: Pick<GatewayDeps, 'flat' | 'authority' | 'clock' | 'sleeper'>,
): AuthorityWatch {
  const watches = new Map<string, Promise<void>>();

  const watch = async (table: MigratedTable, key: RecordKey): Promise<void> => {
    const untilMs = deps.clock.nowMs() + maxWatchMs;
    do {
      await deps.sleeper.sleep(pollMs);
      const { authority } = await deps.flat.read(table.category, key);
      if (authority.state === 'open') return;
      const isFollowing = authority.state === 'following';
      if (isFollowing && (await hierarchicalSide(deps, table, key, authority)) === 'open') return;
    } while (deps.clock.nowMs() < untilMs);
  };

  return {
    untilWritable(table, key) {
      const known = watches.get(table.category);
      if (known !== undefined) return known;
      // A store that fails is met again by each writer's own attempt.
      const begun = watch(table, key)
        .catch(() => undefined)
        .finally(() => watches.delete(table.category));
      watches.set(table.category, begun);
      return begun;
    },
  };
}
