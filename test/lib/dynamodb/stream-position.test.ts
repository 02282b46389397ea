import { describe, expect, test } from 'vitest';

import {
  isSettled,
  openShards,
  readableShards,
  vanishedShards,
  type Shard,
} from '../../../lib/dynamodb/stream-position.ts';

const shard = (shardId: string, parentId: string | null = null): Shard => ({ shardId, parentId });
const over = { after: null, isOver: true };
const midway = { after: '7', isOver: false };

/** a was split into b and c, and c into d and e. */
const split = [shard('a'), shard('b', 'a'), shard('c', 'a'), shard('d', 'c'), shard('e', 'c')];

function ids(position: Parameters<typeof readableShards>[1]): readonly string[] {
  return readableShards(split, position).map(({ shardId }) => shardId);
}

describe('shards that may be read', () => {
  test('a child waits until its parent is read to the end', () => {
    expect(ids({})).toEqual(['a']);
    expect(ids({ a: midway })).toEqual(['a']);
    expect(ids({ a: over })).toEqual(['b', 'c']);
    expect(ids({ a: over, c: over })).toEqual(['b', 'd', 'e']);
  });

  test('a parent that the stream has no longer holds nobody up', () => {
    expect(readableShards([shard('b', 'a')], {})).toEqual([shard('b', 'a')]);
  });

  test('a shard that went before it was read to its end is missed', () => {
    expect(vanishedShards([shard('b')], { a: midway, b: midway, z: over })).toEqual(['a']);
  });
});

describe('whether everything before the barriers is read', () => {
  test('every open shard has to show one', () => {
    const position = { a: over, c: over };

    expect(isSettled(split, position, new Set(['b', 'd']))).toBe(false);
    expect(openShards(split, position, new Set(['b', 'd']))).toEqual(['e']);
    expect(isSettled(split, position, new Set(['b', 'd', 'e']))).toBe(true);
  });

  test('a shard that showed one speaks for the children that it gets later', () => {
    expect(isSettled(split, { a: over, c: over }, new Set(['b', 'c']))).toBe(true);
  });

  test('a closed shard whose children nobody has listed yet settles nothing', () => {
    expect(isSettled([shard('a')], { a: over }, new Set())).toBe(false);
    expect(isSettled([], {}, new Set())).toBe(false);
  });

  test('a shard that showed one before its end was not read to it counts as well', () => {
    expect(isSettled([shard('a')], { a: midway }, new Set(['a']))).toBe(true);
  });
});
