import { describe, expect, test } from 'vitest';

import { canonicalJson, parseExactJson } from '../../../../lib/kernel/canonical-json.ts';
import {
  hal9Definition,
  makeHal9Definition,
  makeHal9Migration,
} from '../../../../lib/migration/hal9-definition.ts';
import type { FlatRow } from '../../../../lib/migration/row.ts';
import { tableOf } from '../../../../lib/migration/table-lookup.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const common = { updated_at: 1_749_404_289_000n, version: 3n, checksum: null, organization_id: null };

const neuron: FlatRow = {
  neuron_key: 'strategic-main',
  id: 'row-1',
  neuron_id: null,
  declared_layer: 'L4',
  neuron_type: 'planner',
  role: 'storage',
  state: 'idle',
  system_prompt: 'plan',
  settings: '{}',
  activation: Math.fround(0.7),
  weights: '[0.5]',
  biases: null,
  learning_rate: 0.25,
  momentum: null,
  memory: '{"seen":9007199254740993}',
  context: '{"focus":"exit","rest":1}',
  avg_response_time_ms: 12.5,
  connection_count: 4n,
  is_async: 1n,
  created_at: 1_749_404_289n,
  ...common,
};

function bodyOf(recordType: string, row: FlatRow): Record<string, unknown> {
  const conversion = tableOf(hal9Definition, recordType).transform.convert(row, { nowMs });
  if (conversion.kind === 'rejected') throw new Error(conversion.message);
  return parseExactJson(canonicalJson(conversion.record.body)) as Record<string, unknown>;
}

describe('a neuron', () => {
  test('becomes a unit with a stable identity, a layer, a level and the reason for it', () => {
    const body = bodyOf('neuron', { ...neuron, 'derived.connection_count': 2n });

    expect(body).toMatchObject({
      layer: 'substrate',
      level: 'L4Tactical',
      assigned_by: {
        policy: 'engine-v1',
        rule: 'neuron-type',
        inputs: { neuron_type: 'planner', response_time_ms: 12.5, connection_count: 2 },
        warnings: ['connection_count_disagrees'],
      },
      cognitive_state: { attention_focus: 'exit', processing_mode: 'async' },
      learning_state: { weights: [0.5], biases: [], momentum: Math.fround(0.9), gradient_history: [] },
      metadata: { created_at: '2025-06-08T17:38:09.000Z', updated_at: '2025-06-08T17:38:09.000Z' },
    });
    expect(body['unit_id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(bodyOf('neuron', neuron)['unit_id']).toBe(body['unit_id']);
  });

  test('of another server, under another policy, has another identity and level', () => {
    const other = makeHal9Definition({ serverId: 'other', levelPolicy: 'response-bands' });

    const conversion = tableOf(other, 'neuron').transform.convert(neuron, { nowMs });

    const body = conversion.kind === 'converted' ? (conversion.record.body as Record<string, unknown>) : {};
    expect(body).toMatchObject({ level: 'L2Implementation', assigned_by: { policy: 'response-bands' } });
    expect(body['unit_id']).not.toBe(bodyOf('neuron', neuron)['unit_id']);
  });

  test('keeps its UUID', () => {
    const uuid = '0B7C4B52-94F6-4B7A-9E0B-7B0D5C9F1A11';

    expect(bodyOf('neuron', { ...neuron, neuron_key: uuid })['unit_id']).toBe(uuid.toLowerCase());
  });

  test('takes edits of the hierarchical side over its flat spelling, and only those', () => {
    const body = bodyOf('neuron', neuron);
    (body['learning_state'] as Record<string, unknown>)['momentum'] = 0.5;
    (body['cognitive_state'] as Record<string, unknown>)['attention_focus'] = 'lunch';
    (body['metadata'] as Record<string, unknown>)['created_at'] = '2025-06-09T00:00:00.000Z';

    const restored = tableOf(hal9Definition, 'neuron').transform.restore(body);

    expect(restored).toEqual({
      ...neuron,
      momentum: 0.5,
      context: '{"focus":"lunch","rest":1}',
      created_at: 1_749_427_200n,
    });
  });
});

describe('a session', () => {
  const session: FlatRow = {
    id: 's1',
    user_id: 'u1',
    token_hash: 't',
    ip: null,
    user_agent: null,
    region: null,
    data: null,
    created_at: 1_749_404_289n,
    last_accessed_at: null,
    expires_at: nowMs / 1000,
    ...common,
  };
  const { transform } = tableOf(hal9Definition, 'session');
  const expiry = (expiresAtS: number): number | undefined => {
    const conversion = transform.convert({ ...session, expires_at: BigInt(expiresAtS) }, { nowMs });
    return conversion.kind === 'converted' ? conversion.record.expiresAtS : Number.NaN;
  };

  test('may be dropped a fortnight after its end', () => {
    expect(expiry(nowMs / 1000 + 60)).toBe(nowMs / 1000 + 60 + 14 * 86_400);
  });

  test('stays for good when it is over already', () => {
    expect(expiry(nowMs / 1000)).toBeUndefined();
  });
});

test.each([
  ['neuron', { ...neuron, weights: '[0.1,"x"]' }, 'InvalidNumberList'],
  ['neuron', { ...neuron, weights: '[1e39]' }, 'InvalidNumberList'],
  ['neuron', { ...neuron, settings: '{"a":' }, 'InvalidJson'],
  ['neuron', { ...neuron, activation: 'high' }, 'WrongStorageClass'],
  ['neuron', { ...neuron, activation: null }, 'MissingValue'],
  ['neuron', { ...neuron, neuron_key: null }, 'MissingKey'],
  ['neuron', { ...neuron, created_at: 'soon' }, 'InvalidTimestamp'],
  ['neuron', { ...neuron, state: 'idl\udce9' }, 'DamagedText'],
  ['neuron', { ...neuron, memory: '{"a":"\\ud800"}' }, 'DamagedText'],
  ['neuron', { ...neuron, note: 'cut\u0000off' }, 'DamagedText'],
])('a %s that cannot be converted is rejected by name', (recordType, row, errorName) => {
  const conversion = tableOf(hal9Definition, recordType).transform.convert(row, { nowMs });

  expect(conversion).toMatchObject({ kind: 'rejected', errorName });
});

test('a migration file chooses how layers and levels are assigned', () => {
  const migration = makeHal9Migration({ levelPolicy: 'characteristics', layerPolicy: 'legacy-adapter' });
  const { transform } = tableOf(migration, 'server-neuron');
  const settings = '{"role":"router"}';
  const row = {
    id: 'n',
    layer: 'L4',
    system_prompt: '',
    settings,
    state: 'idle',
    created_at: 1n,
    updated_at: 1n,
  };

  expect(transform.convert(row, { nowMs: 0 })).toMatchObject({
    kind: 'converted',
    record: { body: { layer: 'orchestration' } },
  });
});
