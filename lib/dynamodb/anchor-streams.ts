import { randomUUID } from 'node:crypto';

import type { Category } from '../migration/category.ts';
import { barrierToken, placeBarriers } from './barriers.ts';
import { drainUnproven } from './faults.ts';
import type { FlatStore } from './flat-store.ts';
import type { ShardPage, StreamReader } from './read-stream.ts';
import { isSettled, openShards, type Shard, type ShardPosition } from './stream-position.ts';
import type { TableLayout } from './table-layout.ts';

const mostRounds = 200;
const looksPerRound = 4;
const pauseMs = 25;
const longestPauseMs = 250;

type NextPage = () => Promise<ShardPage>;

/**
 * Where the log of a table begins: behind a barrier that was read at the end of each of its open shards, since only the
 * number of a record names a place for longer than some minutes. Throws HalError `DrainUnproven`.
 */
export async function anchorStream(
  store: FlatStore,
  reader: StreamReader,
  category: Category,
  layout: TableLayout & { readonly streamArn: string },
): Promise<Record<string, ShardPosition>> {
  const { streamArn } = layout;
  const token = randomUUID();
  const position: Record<string, ShardPosition> = {};
  const shown = new Set<string>();
  const pages = new Map<string, NextPage>();
  let missing: readonly string[] = [];
  for (let round = 0; round < mostRounds; round += 1) {
    const shards = await reader.shards(streamArn);
    await openPages(reader, streamArn, shards, { pages, isFirst: round === 0 });
    for (const [shardId, nextPage] of pages) {
      if (shown.has(shardId) || position[shardId]?.isOver === true) continue;
      const found = placeIn(await nextPage(), token);
      if (found !== null) position[shardId] = found;
      if (found?.isOver === false) shown.add(shardId);
    }
    if (isSettled(shards, position, shown)) return position;
    missing = openShards(shards, position, shown);
    if (round % looksPerRound === 0) await placeBarriers(store, category, layout, { token, missing });
    if (round > 0) await store.sleeper.sleep(Math.min(longestPauseMs, pauseMs * round));
  }
  throw drainUnproven(store.place, category, { rounds: mostRounds, openShards: missing });
}

/** From their ends the shards of the first look; one that appears meanwhile has nothing from before it. */
async function openPages(
  reader: StreamReader,
  arn: string,
  shards: readonly Shard[],
  { pages, isFirst }: { readonly pages: Map<string, NextPage>; readonly isFirst: boolean },
): Promise<void> {
  for (const { shardId } of shards) {
    if (pages.has(shardId)) continue;
    pages.set(shardId, isFirst ? await reader.tail(arn, shardId) : fromBeginning(reader, arn, shardId));
  }
}

function fromBeginning(reader: StreamReader, arn: string, shardId: string): NextPage {
  let after: string | null = null;
  return async () => {
    const page = await reader.read(arn, shardId, { after, isOver: false });
    if (page.kind === 'page') after = page.records.at(-1)?.sequenceNumber ?? after;
    return page;
  };
}

/** The place of the barrier, or the end of a shard that is closed. */
function placeIn(page: ShardPage, token: string): ShardPosition | null {
  if (page.kind === 'trimmed') return null;
  const barrier = page.records.findLast(({ after }) => barrierToken(after) === token);
  if (barrier !== undefined) return { after: barrier.sequenceNumber, isOver: false };
  return page.isOver ? { after: null, isOver: true } : null;
}
