import { randomInt, seededRandom, type Random } from '../../kernel/random.ts';
import type { FlatValue } from '../row.ts';
import { spell } from '../transforms/timestamp.ts';

/** What one row draws from; every row has its own, so that rows can be made in any order and one at a time. */
export function rowRandom(seed: number, table: number, index: number): Random {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(table + 1, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ Math.imul(index + 1, 0x27d4eb2f), 0x2c1b3c6d);
  return seededRandom(mixed ^ (mixed >>> 13));
}

export function pick<Item>(random: Random, items: readonly [Item, ...Item[]]): Item {
  return items[randomInt(random, items.length)] ?? items[0];
}

/** True with the given probability. */
export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** A single precision number in [from, to), widened to a double as the flat store holds it. */
export function single(random: Random, from = 0, to = 1): number {
  return Math.fround(from + random.next() * (to - from));
}

/** Version 4. */
export function uuid(random: Random): string {
  const word = (): string => randomInt(random, 0x1_0000_0000).toString(16).padStart(8, '0');
  const hex = word() + word() + word() + word();
  const variant = '89ab'[randomInt(random, 4)] ?? '8';
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** Whole seconds mostly, since that is what most of the spellings can carry. */
export function instant(random: Random, fromMs: number, toMs: number): number {
  const ms = fromMs + Math.floor(random.next() * (toMs - fromMs));
  return chance(random, 0.7) ? ms - (ms % 1000) : ms;
}

/** An instant in one of the spellings that flat stores mix. */
export function mixedTimestamp(random: Random, ms: number): FlatValue {
  const draw = random.next();
  if (draw < 0.6) return BigInt(Math.floor(ms / 1000));
  if (draw < 0.75) return BigInt(ms);
  if (draw < 0.88) return spell(ms, 'rfc3339');
  if (draw < 0.97) return spell(ms, 'sql');
  if (draw < 0.985) return `${new Date(ms + 7_200_000).toISOString().slice(0, 19)}.123456+02:00`;
  return String(Math.floor(ms / 1000));
}

const words: readonly [string, ...string[]] = [
  'neuron',
  'signal',
  'gradient',
  'task',
  'plan',
  'refactor',
  'review',
  'the',
  'with',
  'of',
  'learned',
  'context',
  'retry',
  'timeout',
  'naïve',
  'Überprüfung',
  '神経',
  'мозг',
  '🧠',
  'e\u0301tude',
  'design',
  'module',
  'layer',
  'output',
  'because',
  'failed',
  'succeeded',
  'latency',
];

/** Prose of about `length` characters. */
export function prose(random: Random, length: number): string {
  let text = '';
  while (text.length < length) text += `${pick(random, words)} `;
  return text.trimEnd();
}

/** Long prose, cut from a block that is made once: bodies need bulk, not entropy. */
export function makeBulkProse(seed: number): (random: Random, length: number) => string {
  const block = prose(seededRandom(seed), 16_384);
  return (random, length) => {
    const start = randomInt(random, block.length - 1);
    const text = (block + block).slice(start, start + Math.min(length, block.length));
    // A cut may go through a character outside the basic plane.
    return text.toWellFormed().replaceAll('\uFFFD', '?');
  };
}
