import type { Category } from '../migration/category.ts';
import { placeBarriers } from './barriers.ts';
import { drainUnproven } from './faults.ts';
import type { FlatStore } from './flat-store.ts';
import { shardName, type StreamLogger } from './log-streams.ts';
import type { StreamsLook } from './read-slice.ts';
import type { LogState } from './log-items.ts';
import { isSettled, openShards } from './stream-position.ts';

/** A stream shows a write after some hundred milliseconds; a random key misses the last of many shards for long. */
const mostRounds = 200;
/** Looks before more barriers are written: those that are there may be on their way. */
const looksPerRound = 4;
const pauseMs = 25;
const longestPauseMs = 250;

/**
 * Reads the streams of a category until everything in them from before the fence is logged: barriers that were written
 * after it were read in every open shard, and every closed shard to its end. The token of what was proven; null when
 * no drain is under way any more. Throws HalError `DrainUnproven`.
 */
export async function drainUntilProven(
  store: FlatStore,
  logger: StreamLogger,
  category: Category,
): Promise<string | null> {
  let silentLooks = 0;
  let left: readonly string[] = [];
  for (let round = 0; round < mostRounds; round += 1) {
    const { log, look } = await logger.look(category);
    if (log.drain === null) return null;
    const open = unsettledStreams(log, look);
    if (open.length === 0) return log.drain.token;
    left = open.flatMap(({ missing }) => missing);
    if (silentLooks % looksPerRound === 0) await placeSome(store, category, log.drain.token, open);
    silentLooks += 1;
    if (silentLooks > 1) await store.sleeper.sleep(Math.min(longestPauseMs, pauseMs * silentLooks));
  }
  throw drainUnproven(store.place, category, { rounds: mostRounds, openShards: left });
}

interface UnsettledStream {
  readonly recordType: string;
  readonly missing: readonly string[];
}

function unsettledStreams(log: LogState, look: StreamsLook): readonly UnsettledStream[] {
  return log.streams.flatMap(({ recordType, position }) => {
    const shards = look.shards.get(recordType) ?? [];
    const isShown = ({ shardId }: { shardId: string }): boolean =>
      log.drain?.shown.includes(shardName(recordType, shardId)) === true;
    const shown = new Set(shards.filter(isShown).map(({ shardId }) => shardId));
    if (isSettled(shards, position, shown)) return [];
    return [{ recordType, missing: openShards(shards, position, shown) }];
  });
}

async function placeSome(
  store: FlatStore,
  category: Category,
  token: string,
  streams: readonly UnsettledStream[],
): Promise<void> {
  for (const { recordType, missing } of streams) {
    const layout = await store.layout(recordType);
    if (layout !== null) await placeBarriers(store, category, layout, { token, missing });
  }
}
