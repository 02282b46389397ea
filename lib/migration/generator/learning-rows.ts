import { randomInt, type Random } from '../../kernel/random.ts';
import type { FlatRow } from '../row.ts';
import { chance, instant, mixedTimestamp, pick, rowRandom, single, uuid } from './sample.ts';
import { commonValues, createdAt, neuronKey, orNull, streams, type World } from './world.ts';

const dayMs = 86_400_000;

const kinds: readonly [string, ...string[]] = [
  'memory',
  'memory',
  'memory',
  'memory',
  'memory',
  'memory',
  'pattern',
  'gradient',
  'prompt_adjustment',
  'connection_weight',
];

const importanceOf: Readonly<Record<string, number>> = { Task: 0.7, Result: 0.6, Learning: 0.8 };

export function learningRow(world: World, index: number): FlatRow {
  const random = rowRandom(world.seed, streams.learning, index);
  const kind = pick(random, kinds);
  const entryType = pick(random, ['Task', 'Result', 'Error', 'Learning', 'ToolInteraction', 'Signal']);
  const { min, max } = world.learningBytes;
  const neuron = neuronKey(world, randomInt(random, world.counts.neuron));
  return {
    id: uuid(random),
    record_type: kind,
    neuron_id: orNull(random, 0.03, chance(random, 0.02) ? `gone-${index}` : neuron),
    layer: orNull(random, 0.2, pick(random, ['L4', 'L3', 'L2'])),
    // Written through a JSON serializer by some versions of the flat system, quotes included.
    entry_type: kind === 'memory' ? (chance(random, 0.9) ? JSON.stringify(entryType) : entryType) : null,
    payload: payload(kind, world.bulk(random, min + randomInt(random, max - min + 1)), index),
    embedding: chance(random, 0.05) ? embedding(random) : null,
    importance: Math.fround(importanceOf[entryType] ?? 0.5),
    access_count: chance(random, 0.002) ? 9_007_199_254_740_993n : BigInt(randomInt(random, 50)),
    created_at: createdAt(world, random),
    last_accessed: orNull(
      random,
      0.5,
      mixedTimestamp(random, instant(random, world.nowMs - 30 * dayMs, world.nowMs)),
    ),
    ...commonValues(world, random),
  };
}

function payload(kind: string, text: string, index: number): string {
  const content = JSON.stringify(text);
  switch (kind) {
    case 'pattern':
      return `{"confidence":0.6,"error_signature":"timeout","occurrences":[${index}],"pattern_id":"p-${index}","prevention_strategy":${content}}`;
    case 'gradient':
      return `{"context":{"failure_point":${content}},"error_type":{"duration_ms":${index},"type":"Timeout"},"magnitude":0.5,"propagation_depth":1}`;
    case 'prompt_adjustment':
      return `{"adjustment_type":"AppendGuideline","content":${content},"effectiveness":null}`;
    case 'connection_weight':
      return `{"failure_count":${index % 5},"history":${content},"success_count":${index},"weight":0.5}`;
    default:
      return index % 20 === 0
        ? `{ "content" : ${content}, "metadata": {"iterations": 1.0, "signal_id": ${index}} }`
        : `{"content":${content},"metadata":{"iterations":1,"signal_id":"${index}"}}`;
  }
}

/** Little-endian single precision numbers. */
function embedding(random: Random): Uint8Array {
  const view = new DataView(new ArrayBuffer(32 * 4));
  for (let at = 0; at < 32; at += 1) view.setFloat32(at * 4, single(random, -1, 1), true);
  return new Uint8Array(view.buffer);
}
