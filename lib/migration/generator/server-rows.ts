import { randomInt, type Random } from '../../kernel/random.ts';
import { sha256Hex } from '../../kernel/sha256.ts';
import type { FlatRow } from '../row.ts';
import { chance, instant, pick, prose, rowRandom, single, uuid } from './sample.ts';
import type { GeneratorOptions, GeneratorPlan } from './generate-rows.ts';

/** Fixed, so that the rows depend on the seed alone. */
const nowMs = Date.parse('2026-01-01T00:00:00.000Z');
const dayMs = 86_400_000;

type RowMaker = (random: Random, index: number, counts: ServerCounts) => FlatRow;
type ServerCounts = Readonly<Record<string, number>>;

/** Shares of the rows; what is left are neurons. `api-key` is left out: a table that is absent has no records. */
const shares: readonly (readonly [recordType: string, share: number])[] = [
  ['server-user', 0.02],
  ['server-session', 0.08],
  ['server-signal', 0.2],
  ['memory', 0.15],
  ['metric', 0.05],
  ['audit-event', 0.05],
];

/** The store of a running server, with the spellings that its versions left in it. */
export function planServerGeneration({ records, seed }: GeneratorOptions): GeneratorPlan {
  const some = shares.map(
    ([name, share]) => [name, Math.min(Math.ceil(records * share), records >> 3)] as const,
  );
  const rest = records - some.reduce((sum, [, count]) => sum + count, 0);
  const counts: ServerCounts = { 'server-neuron': rest, ...Object.fromEntries(some) };
  return { counts, damaged: 0, rows: () => serverRows(seed, counts) };
}

const makers: readonly (readonly [recordType: string, make: RowMaker])[] = [
  ['server-user', userRow],
  ['server-session', sessionRow],
  ['server-neuron', neuronRow],
  ['server-signal', signalRow],
  ['memory', memoryRow],
  ['metric', metricRow],
  ['audit-event', auditRow],
];

function* serverRows(seed: number, counts: ServerCounts): ReturnType<GeneratorPlan['rows']> {
  for (const [at, [recordType, make]] of makers.entries()) {
    for (let index = 0; index < (counts[recordType] ?? 0); index += 1)
      yield { recordType, row: make(rowRandom(seed, 100 + at, index), index, counts) };
  }
}

/** Whole seconds, as this server writes them. */
function seconds(random: Random, fromDays: number, toDays: number): bigint {
  return BigInt(Math.floor(instant(random, nowMs + fromDays * dayMs, nowMs + toDays * dayMs) / 1000));
}

function userRow(random: Random, index: number): FlatRow {
  return {
    id: index % 3 === 0 ? uuid(random) : `user-${index}`,
    username: `${pick(random, ['ada', 'Grace', 'jürgen', 'みさき'])}.${index}`,
    password_hash: `$2b$12$${sha256Hex(`password ${index}`).slice(0, 53)}`,
    role: pick(random, ['user', 'user', 'admin', 'guest']),
    is_active: chance(random, 0.9) ? 1n : 0n,
    created_at: seconds(random, -90, -30),
    updated_at: seconds(random, -30, 0),
    last_login: chance(random, 0.3) ? null : seconds(random, -10, 0),
  };
}

function sessionRow(random: Random, index: number, counts: ServerCounts): FlatRow {
  const isActive = chance(random, 0.7);
  return {
    id: uuid(random),
    user_id: `user-${randomInt(random, counts['server-user'] ?? 1)}`,
    token_hash: sha256Hex(`token ${index}`),
    ip_address: chance(random, 0.1) ? null : `10.0.${randomInt(random, 256)}.${randomInt(random, 256)}`,
    user_agent: chance(random, 0.2) ? null : pick(random, ['hal9-cli/1.4', 'curl/8.5']),
    expires_at: isActive ? seconds(random, 3000, 6000) : seconds(random, -20, -1),
    created_at: seconds(random, -60, -21),
  };
}

function neuronId(index: number): string {
  return index % 2 === 0 ? `neuron-${index}` : `L${4 - (index % 3)}-unit ${index}`;
}

function neuronRow(random: Random, index: number): FlatRow {
  return {
    id: neuronId(index),
    layer: pick(random, ['L4', 'L3', 'L3', 'L2', 'L2', 'L2', 'L1']),
    system_prompt: prose(random, 60),
    settings: chance(random, 0.5) ? '{}' : `{"temperature": 0.${index % 10}, "role":"planner"}`,
    state: pick(random, ['idle', 'Running', 'Processing', 'Failed']),
    created_at: seconds(random, -90, -30),
    updated_at: seconds(random, -30, 0),
  };
}

function signalRow(random: Random, index: number, counts: ServerCounts): FlatRow {
  const neurons = counts['server-neuron'] ?? 1;
  return {
    id: uuid(random),
    from_neuron: neuronId(randomInt(random, neurons)),
    to_neuron: neuronId(randomInt(random, neurons)),
    layer_from: 'L4',
    layer_to: 'L3',
    propagation_type: pick(random, ['forward', 'forward', 'Backward']),
    content: prose(random, 40 + (index % 80)),
    metadata: chance(random, 0.5) ? null : `{"batch": "${index}", "n": 1.0}`,
    timestamp: seconds(random, -30, 0),
  };
}

function memoryRow(random: Random, index: number, counts: ServerCounts): FlatRow {
  const entryType = pick(random, ['Task', 'Result', 'Learning', 'ToolInteraction']);
  return {
    id: uuid(random),
    neuron_id: neuronId(randomInt(random, counts['server-neuron'] ?? 1)),
    layer: pick(random, ['L4', 'L3', 'L2']),
    timestamp: seconds(random, -30, 0),
    // The server stores the name as JSON, quotes included.
    entry_type: chance(random, 0.9) ? JSON.stringify(entryType) : entryType,
    content: prose(random, 200),
    metadata: `{"iterations":${index % 5},"signal_id":"${index}"}`,
    embedding: chance(random, 0.05) ? new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64]) : null,
    importance: single(random),
    access_count: BigInt(randomInt(random, 50)),
    last_accessed: chance(random, 0.5) ? null : seconds(random, -10, 0),
  };
}

function metricRow(random: Random, index: number): FlatRow {
  return {
    id: BigInt(index + 1),
    metric_name: pick(random, ['hal9_signals_total', 'hal9_latency_ms']),
    neuron_id: chance(random, 0.3) ? null : `neuron-${index}`,
    value: chance(random, 0.5) ? BigInt(index) : random.next() * 1000,
    labels: `{"region":"us-west","shard":${index % 8}}`,
    timestamp: seconds(random, -30, 0),
  };
}

function auditRow(random: Random, index: number): FlatRow {
  return {
    id: BigInt(index + 1),
    user_id: chance(random, 0.1) ? null : `user-${index}`,
    action: pick(random, ['neuron_created', 'neuron_updated', 'role_assignment']),
    resource_type: 'neuron',
    resource_id: `neuron-${index}`,
    details: prose(random, 30),
    ip_address: '10.0.0.1',
    user_agent: null,
    created_at: seconds(random, -30, 0),
  };
}
