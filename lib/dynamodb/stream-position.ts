/** How far one shard is read. */
export interface ShardPosition {
  /** Number of the last record that was taken; null: none yet, from the beginning of the shard. */
  readonly after: string | null;
  /** The shard is closed and read to its end. */
  readonly isOver: boolean;
}

/** By shard. A shard that is missing is unread. */
export type StreamPosition = Readonly<Record<string, ShardPosition>>;

export interface Shard {
  readonly shardId: string;
  /** The shard whose keys it goes on with; perhaps long gone. */
  readonly parentId: string | null;
}

const unread: ShardPosition = { after: null, isOver: false };

export function positionOf(position: StreamPosition, shardId: string): ShardPosition {
  return position[shardId] ?? unread;
}

/** Shards that may be read now: what a parent has of a key comes before what its children have. */
export function readableShards(shards: readonly Shard[], position: StreamPosition): readonly Shard[] {
  const listed = new Set(shards.map(({ shardId }) => shardId));
  return shards.filter(({ shardId, parentId }) => {
    if (positionOf(position, shardId).isOver) return false;
    const isParentOpen = parentId !== null && listed.has(parentId) && !positionOf(position, parentId).isOver;
    return !isParentOpen;
  });
}

/** Shards that were not read to their end and that the stream has no longer. */
export function vanishedShards(shards: readonly Shard[], position: StreamPosition): readonly string[] {
  const listed = new Set(shards.map(({ shardId }) => shardId));
  return Object.entries(position).flatMap(([shardId, { isOver }]) =>
    isOver || listed.has(shardId) ? [] : [shardId],
  );
}

/** Without shards that are over and gone: nothing will ever be asked about them. */
export function keptPosition(shards: readonly Shard[], position: StreamPosition): StreamPosition {
  const listed = new Set(shards.map(({ shardId }) => shardId));
  return Object.fromEntries(
    Object.entries(position).filter(([shardId, { isOver }]) => !isOver || listed.has(shardId)),
  );
}

/**
 * Whether everything written before the barriers is read: of every line of shards from parent to child, either one has
 * shown a barrier, or it is over and the lines of all its children are settled. What a child has of a key came after
 * everything that its parent has. A closed shard whose children are not listed yet settles nothing.
 */
export function isSettled(
  shards: readonly Shard[],
  position: StreamPosition,
  showedBarrier: ReadonlySet<string>,
): boolean {
  const listed = new Set(shards.map(({ shardId }) => shardId));
  const childrenOf = Map.groupBy(shards, ({ parentId }) => parentId);
  const settled = (shardId: string): boolean => {
    if (showedBarrier.has(shardId)) return true;
    const children = childrenOf.get(shardId) ?? [];
    return (
      positionOf(position, shardId).isOver &&
      children.length > 0 &&
      children.every((child) => settled(child.shardId))
    );
  };
  const roots = shards.filter(({ parentId }) => parentId === null || !listed.has(parentId));
  return roots.length > 0 && roots.every(({ shardId }) => settled(shardId));
}

/** Shards that a barrier may still reach: open ones that have shown none. */
export function openShards(
  shards: readonly Shard[],
  position: StreamPosition,
  showedBarrier: ReadonlySet<string>,
): readonly string[] {
  const parents = new Set(shards.map(({ parentId }) => parentId));
  return shards
    .map(({ shardId }) => shardId)
    .filter((id) => !parents.has(id) && !positionOf(position, id).isOver && !showedBarrier.has(id));
}
