import { describe, expect, test } from 'vitest';

import { assignLayer } from '../../../../lib/migration/transforms/assign-layer.ts';
import { assignLevel, declaredLevelDistance } from '../../../../lib/migration/transforms/assign-level.ts';

describe('engine-v1', () => {
  test.each([
    ['reflex', 900, 99, 'L1Reflexive', 'neuron-type'],
    ['planner', 5, 2, 'L4Tactical', 'neuron-type'],
    ['unknown', 9.99, 0, 'L1Reflexive', 'response-time'],
    ['unknown', 10, 0, 'L2Implementation', 'response-time'],
    ['unknown', 199.9, 50, 'L2Implementation', 'response-time'],
    ['unknown', 200, 10, 'L3Operational', 'connection-count'],
    ['unknown', 200, 11, 'L4Tactical', 'connection-count'],
    ['visionary', 5, 0, 'L5Strategic', 'neuron-type'],
    [' Architect ', 5, 0, 'L5Strategic', 'neuron-type'],
    ['strategist', 5, 0, 'L4Tactical', 'neuron-type'],
    ['strategic', 5, 0, 'L5Strategic', 'neuron-type'],
  ])(
    '%s at %d ms with %d connections is %s by %s',
    (neuronType, responseTimeMs, connectionCount, level, rule) => {
      expect(assignLevel({ neuronType, responseTimeMs, connectionCount })).toMatchObject({ level, rule });
    },
  );

  test('an explicit target level outranks the type', () => {
    const inputs = { neuronType: 'reflex', responseTimeMs: 1, connectionCount: 0 };

    expect(assignLevel({ ...inputs, targetLevel: 'L5' }).level).toBe('L5Strategic');
    expect(assignLevel({ ...inputs, targetLevel: 'tactical' }).level).toBe('L4Tactical');
    expect(assignLevel({ ...inputs, targetLevel: 'L9' }).level).toBe('L1Reflexive');
  });
});

describe('response-bands', () => {
  test.each([
    [10, 'L1Reflexive'],
    [10.5, 'L2Implementation'],
    [200, 'L2Implementation'],
    [500, 'L3Operational'],
    [1000, 'L4Tactical'],
    [1000.1, 'L5Strategic'],
  ])('%d ms is %s', (responseTimeMs, level) => {
    const inputs = { neuronType: 'planner', responseTimeMs, connectionCount: 0 };

    expect(assignLevel(inputs, 'response-bands').level).toBe(level);
  });
});

test('a declared flat layer stands one level higher than its number', () => {
  expect(declaredLevelDistance('L4', 'L5Strategic')).toBe(0);
  expect(declaredLevelDistance('L2', 'L5Strategic')).toBe(2);
  expect(declaredLevelDistance(null, 'L5Strategic')).toBeNull();
});

test.each([
  ['storage', 'substrate'],
  ['Router', 'protocol'],
  ['topology', 'orchestration'],
  ['learner', 'intelligence'],
  ['planner', 'cognitive'],
  [null, 'cognitive'],
])('a unit with the role %s belongs to the %s layer', (role, layer) => {
  expect(assignLayer(role)).toBe(layer);
});

test.each([
  [null, 'cognitive'],
  ['L1', 'cognitive'],
  ['L3-design', 'cognitive'],
  ['l4', 'orchestration'],
  ['L5', 'intelligence'],
])('by the legacy adapter a unit declared %s belongs to the %s layer', (declared, layer) => {
  expect(assignLayer('router', 'legacy-adapter', declared)).toBe(layer);
});

describe('characteristics', () => {
  test.each([
    [9, 1, 1, 900, 'L1Reflexive', 'response-time'],
    [10, 0.29, 1, 900, 'L2Implementation', 'complexity'],
    [10, 0.3, 0.49, 900, 'L3Operational', 'abstraction'],
    [10, 0.3, 0.5, 59, 'L4Tactical', 'planning-horizon'],
    [10, 0.3, 0.5, 60, 'L5Strategic', 'planning-horizon'],
  ])('%d ms, complexity %d, abstraction %d, horizon %d s is %s by %s', (...row) => {
    const [responseTimeMs, complexity, abstraction, planningHorizonS, level, rule] = row;
    const characteristics = { complexity, abstraction, planningHorizonS };
    const inputs = { neuronType: 'planner', responseTimeMs, connectionCount: 0, characteristics };

    expect(assignLevel(inputs, 'characteristics')).toMatchObject({ level, rule });
  });

  test('count as 0 where the settings do not name them', () => {
    const inputs = { neuronType: 'planner', responseTimeMs: 10, connectionCount: 0 };

    expect(assignLevel(inputs, 'characteristics').level).toBe('L2Implementation');
  });
});
