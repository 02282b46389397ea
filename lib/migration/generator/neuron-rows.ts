import { randomInt, type Random } from '../../kernel/random.ts';
import type { FlatRow } from '../row.ts';
import { unitIdOf } from '../transforms/unit-id.ts';
import { degreeOf, isHub } from './neuron-degrees.ts';
import { chance, pick, prose, rowRandom, single, uuid } from './sample.ts';
import { commonValues, createdAt, neuronKey, orNull, streams, type World } from './world.ts';

interface Profile {
  readonly types: readonly [string, ...string[]];
  readonly declaredLayer: string | null;
  readonly responseMs: readonly [number, number];
}

const typesOf = (...types: [string, ...string[]]): [string, ...string[]] => types;

/** Shares of 847 units of a running system, lowest level first. */
const profiles: readonly (readonly [upTo: number, Profile])[] = [
  [323 / 847, { types: typesOf('reflex', 'reactive', 'sensor'), declaredLayer: 'L1', responseMs: [1, 9.5] }],
  [
    557 / 847,
    { types: typesOf('executor', 'Implementer', 'worker'), declaredLayer: 'L2', responseMs: [50, 199] },
  ],
  [
    713 / 847,
    { types: typesOf('coordinator', 'manager', 'broker'), declaredLayer: 'L2', responseMs: [210, 500] },
  ],
  [802 / 847, { types: typesOf('planner', 'strategist'), declaredLayer: 'L3', responseMs: [300, 1000] }],
  [1, { types: typesOf('visionary', ' Architect '), declaredLayer: 'L4', responseMs: [500, 2000] }],
];

const hubProfile: Profile = { types: typesOf('hub'), declaredLayer: 'L3', responseMs: [200, 900] };

const roles = typesOf('transport', 'storage', 'router', 'codec', 'scheduler', 'topology', 'meta', 'learner');

export function neuronRow(world: World, index: number): FlatRow {
  const random = rowRandom(world.seed, streams.neuron, index);
  const { types, declaredLayer, responseMs } = profileOf(random, index);
  const key = neuronKey(world, index);
  const weights = 3 + randomInt(random, 6);
  return {
    neuron_key: key,
    id: uuid(random),
    neuron_id: orNull(random, 0.4, unitIdOf('hal9', key)),
    declared_layer: orNull(random, 0.1, declaredLayer),
    neuron_type: pick(random, types),
    role: orNull(random, 0.6, chance(random, 0.5) ? 'thinker' : pick(random, roles)),
    state: pick(random, ['idle', 'idle', 'processing', 'Running', 'error']),
    system_prompt: orNull(random, 0.3, prose(random, 60)),
    settings: orNull(
      random,
      0.1,
      chance(random, 0.02) ? '{"target_level":"L4"}' : '{"max_tokens":4096,"retries":3}',
    ),
    activation: chance(random, 0.01) ? 0.7 : single(random),
    weights: orNull(random, 0.05, numberList(random, weights)),
    biases: orNull(random, 0.15, numberList(random, weights)),
    learning_rate: Math.fround(pick(random, [0.1, 0.05, 0.02, 0.01, 0.005])),
    momentum: orNull(random, 0.35, Math.fround(pick(random, [0.9, 0.95, 0.5]))),
    memory: orNull(random, 0.2, `{"last_task":${JSON.stringify(prose(random, 20))},"runs":${index}}`),
    context: orNull(random, 0.2, context(random, index)),
    avg_response_time_ms: single(random, responseMs[0], responseMs[1]),
    connection_count: orNull(random, 0.02, BigInt(degreeOf(world, index) + (chance(random, 0.03) ? 1 : 0))),
    is_async: chance(random, 0.5) ? 1n : 0n,
    created_at: createdAt(world, random),
    ...commonValues(world, random),
  };
}

/** The connections of one neuron. */
export function connectionRows(world: World, index: number): readonly FlatRow[] {
  const random = rowRandom(world.seed, streams.connection, index);
  return Array.from({ length: degreeOf(world, index) }, (_, ordinal) => {
    const draw = random.next();
    return {
      source: neuronKey(world, index),
      target: targetOf(world, random, index, ordinal),
      conn_type: draw < 0.6 ? 'forward' : draw < 0.8 ? 'backward' : draw < 0.97 ? 'lateral' : 'Excitatory',
      id: uuid(random),
      weight: chance(random, 0.02) ? -0.25 : single(random),
      ordinal: BigInt(ordinal),
      metadata: orNull(random, 0.5, '{"latency_ms":3,"since":"2025-01"}'),
      ...commonValues(world, random),
    };
  });
}

export function signalRow(world: World, index: number): FlatRow {
  const random = rowRandom(world.seed, streams.signal, index);
  const isForward = chance(random, 0.75);
  const anyNeuron = (): string => neuronKey(world, randomInt(random, world.counts.neuron));
  return {
    id: uuid(random),
    from_neuron: anyNeuron(),
    to_neuron: orNull(random, 0.05, anyNeuron()),
    layer_from: orNull(random, 0.2, pick(random, ['L4', 'L3', 'L2'])),
    layer_to: orNull(random, 0.2, pick(random, ['L3', 'L2', 'L1'])),
    propagation_type: isForward ? pick(random, ['forward', 'forward', 'Forward']) : 'backward',
    batch_id: orNull(random, 0.5, uuid(random)),
    content: prose(random, 40 + randomInt(random, 120)),
    strength: orNull(random, 0.1, isForward ? 1 : 0),
    features: orNull(random, 0.3, features(random)),
    gradient: isForward
      ? null
      : `{"adjustments":["shorter"],"error_type":"Timeout","loss":null,"magnitude":0.5}`,
    metadata: orNull(random, 0.4, `{"hop":${randomInt(random, 9)},"trace":9007199254740993}`),
    timestamp: createdAt(world, random),
    ...commonValues(world, random),
  };
}

function profileOf(random: Random, index: number): Profile {
  const draw = random.next();
  if (isHub(index)) return hubProfile;
  return profiles.find(([upTo]) => draw < upTo)?.[1] ?? hubProfile;
}

/** As widened doubles, as shortest decimals, or as somebody typed it. */
function numberList(random: Random, length: number): string {
  const numbers = Array.from({ length }, () => single(random, -1, 1));
  const draw = random.next();
  if (draw < 0.85) return JSON.stringify(numbers);
  const short = numbers.map((number) => number.toFixed(3));
  return draw < 0.97 ? `[${short.join(',')}]` : `[ ${short.join(' , ')} ]`;
}

function context(random: Random, index: number): string {
  const focus = JSON.stringify(prose(random, 12));
  return chance(random, 0.9) ? `{"depth":2,"focus":${focus}}` : `{"focus":${focus},"depth":2,"run":${index}}`;
}

function features(random: Random): string {
  return chance(random, 0.8)
    ? `{"novelty":${String(single(random))},"urgency":0.5}`
    : `{"urgency":0.7,"novelty":${random.next().toFixed(2)}}`;
}

/** Distinct for each ordinal; some are neurons of other servers that this store does not have. */
function targetOf(world: World, random: Random, index: number, ordinal: number): string {
  const { neuron } = world.counts;
  if (ordinal >= neuron || chance(random, 0.02)) return `edge-server-2:neuron-${index}-${ordinal}`;
  return neuronKey(world, (index + 1 + ordinal) % neuron);
}
