import type { Random } from '../../kernel/random.ts';
import type { FlatRow, FlatValue } from '../row.ts';
import type { RowCounts } from './row-counts.ts';
import { chance, instant, mixedTimestamp, pick, rowRandom, uuid } from './sample.ts';

/** What the rows of one generated store share. */
export interface World {
  readonly seed: number;
  /** The instant at which the store was "copied": everything is older, active sessions end years later. */
  readonly nowMs: number;
  readonly counts: RowCounts;
  readonly learningBytes: { readonly min: number; readonly max: number };
  bulk(random: Random, length: number): string;
}

/** Distinct streams of random numbers. */
export const streams = {
  user: 1,
  session: 2,
  neuron: 3,
  connection: 4,
  signal: 5,
  learning: 6,
  config: 7,
  metadata: 8,
  neuronKey: 9,
  userId: 10,
  block: 11,
} as const;

const dayMs = 86_400_000;

export function userId(world: World, index: number): string {
  const random = rowRandom(world.seed, streams.userId, index);
  return chance(random, 0.7) ? uuid(random) : `user-${index}`;
}

/** Names and UUIDs side by side, as flat systems have them. */
export function neuronKey(world: World, index: number): string {
  const random = rowRandom(world.seed, streams.neuronKey, index);
  const draw = random.next();
  if (draw < 0.45) return `neuron-${index}`;
  if (draw < 0.75) return uuid(random);
  if (draw < 0.9) return `op-neuron-${index}`;
  if (draw < 0.99) return `prod-${pick(random, ['l4-strategic', 'l3-design', 'l2-implementation'])}-${index}`;
  return pick(random, [`#${index}|50%`, `神経-${index}`, `nœud ${index}`]);
}

/** The columns that every row ends with, except the checksum. */
export function commonValues(world: World, random: Random): FlatRow {
  const updatedMs = instant(random, world.nowMs - 30 * dayMs, world.nowMs);
  return {
    updated_at: chance(random, 0.9) ? BigInt(updatedMs) : mixedTimestamp(random, updatedMs),
    version: chance(random, 0.001) ? 9_007_199_254_740_993n : BigInt(1 + Math.floor(random.next() * 40)),
    organization_id: chance(random, 0.3) ? pick(random, ['acme', 'globex', 'žluť']) : null,
  };
}

export function createdAt(world: World, random: Random): FlatValue {
  return mixedTimestamp(random, instant(random, world.nowMs - 90 * dayMs, world.nowMs - 31 * dayMs));
}

export function orNull<Value>(random: Random, probability: number, value: Value): Value | null {
  return chance(random, probability) ? null : value;
}
