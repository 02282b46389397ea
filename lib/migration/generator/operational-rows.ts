import { randomInt } from '../../kernel/random.ts';
import type { FlatRow } from '../row.ts';
import { chance, pick, prose, rowRandom, uuid } from './sample.ts';
import { commonValues, createdAt, neuronKey, orNull, streams, userId, type World } from './world.ts';

const serverSettings: readonly (readonly [path: string, value: string])[] = [
  ['server_id', '"hal9"'],
  ['monitoring.enabled', 'true'],
  ['monitoring.metrics_interval', '30'],
  ['monitoring.log_level', '"info"'],
  ['claude.mode', '"mock"'],
  ['claude.temperature', '0.7'],
  ['claude.max_tokens', '4096'],
  ['claude.rate_limit', '60'],
  ['claude.cost_controls', '{"alert_threshold":0.8,"max_cost_per_day":100.0,"max_cost_per_hour":10.0}'],
  ['network.enabled', 'false'],
  ['network.bind', '"0.0.0.0:9000"'],
  ['network.discovery_address', '"239.255.42.99:8888"'],
  ['network.max_connections', '1000'],
  ['memory.cleanup', '{"days":30,"importance":0.3}'],
  ['backward_propagation.learning_rate', '0.1'],
  ['backward_propagation.error_weights', '{"timeout":0.5,"task_failed":0.8,"user_rejection":0.9}'],
  ['auth.enabled', 'false'],
  ['auth.access_minutes', '15'],
  ['alerts.error_rate', '5e-2'],
  ['retention.raw', '"2h"'],
  ['performance.circuit_breaker', '[5, 3, 30, 60]'],
  ['backup.destination', 'null'],
];

const features = [
  'hierarchical_routing',
  'cognitive_layers',
  'shadow_mode',
  'state_migration',
  'meta_learning',
];
const limits = ['max_neurons', 'memory_limit_mb', 'queue_depth', 'max_signal_id'];

export function configRow(world: World, index: number): FlatRow {
  const random = rowRandom(world.seed, streams.config, index);
  const { scope, path, value } = setting(world, index);
  return {
    scope,
    path,
    id: uuid(random),
    value,
    revision: BigInt(1 + randomInt(random, 12)),
    ...commonValues(world, random),
  };
}

const kinds = ['metrics', 'logs', 'traces', 'audit'] as const;

/** Kinds take turns, so that each has sequence numbers without a gap. */
export function metadataRow(world: World, index: number): FlatRow {
  const random = rowRandom(world.seed, streams.metadata, index);
  const kind = kinds[index % kinds.length] ?? 'metrics';
  return {
    kind,
    seq: BigInt(Math.floor(index / kinds.length) + 1),
    id: uuid(random),
    ts: createdAt(world, random),
    actor: kind === 'audit' ? userId(world, randomInt(random, world.counts.user)) : null,
    resource: orNull(random, 0.4, neuronKey(world, randomInt(random, world.counts.neuron))),
    labels: orNull(
      random,
      0.3,
      `{"region":"${pick(random, ['us-west', 'eu-central'])}","shard":${index % 8}}`,
    ),
    body: metadataBody(kind, index, prose(random, 80 + randomInt(random, 400)), chance(random, 0.5)),
    ...commonValues(world, random),
  };
}

function setting(world: World, index: number): { scope: string; path: string; value: string } {
  const server = serverSettings[index];
  if (server !== undefined) return { scope: 'server', path: server[0], value: server[1] };
  const afterServer = index - serverSettings.length;
  const feature = features[afterServer];
  if (feature !== undefined) {
    return { scope: 'feature', path: feature, value: '{"enabled":false,"percentage":0.0}' };
  }
  const afterFeatures = afterServer - features.length;
  const limit = limits[afterFeatures];
  if (limit !== undefined) return { scope: 'limit', path: limit, value: '9007199254740993' };
  const neuron = afterFeatures - limits.length;
  const key = neuron < world.counts.neuron ? neuronKey(world, neuron) : `unknown-${neuron}`;
  return { scope: 'neuron', path: `${key}.temperature`, value: String((neuron % 10) / 10) };
}

function metadataBody(kind: string, index: number, text: string, isGood: boolean): string {
  const content = JSON.stringify(text);
  switch (kind) {
    case 'metrics':
      return `{"metric_name":"hal9_requests_total","note":${content},"value":${index}.5}`;
    case 'traces':
      return `{"message":${content},"span":"${index.toString(16)}","trace":${index}9007199254740993}`;
    case 'audit':
      return `{"action":"neuron_updated","details":${content},"risk_score":0.2,"status":"${isGood ? 'success' : 'failed'}"}`;
    default:
      return `{"level":"${isGood ? 'info' : 'warn'}","message":${content}}`;
  }
}
