import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { recordPk } from '../../../../lib/migration/key.ts';
import { makeGroupNeurons, type NeuronGroups } from '../../../../lib/migration/neurons/group-neurons.ts';
import {
  isPublished,
  nothingPublished,
  withLayers,
} from '../../../../lib/migration/neurons/layer-manifest.ts';
import type { GraphSurvey } from '../../../../lib/migration/neurons/survey.ts';
import {
  makeVerifyLayers,
  type VerifyLayersAnswer,
} from '../../../../lib/migration/neurons/verify-layers.ts';
import { makeVisibleEdges } from '../../../../lib/migration/neurons/visible-edges.ts';
import { layers, type Layer } from '../../../../lib/migration/transforms/assign-layer.ts';
import {
  connectionKey,
  connectionRow,
  graphInMemory,
  neuronKey,
  neuronRow,
  roles,
  smallGraph,
  type GraphInMemory,
} from './graph-in-memory.ts';

type Verified = Extract<VerifyLayersAnswer, { done: true }>;

async function verify(
  { deps }: GraphInMemory,
  wanted: readonly Layer[] = layers,
  { publish = true, deadlineMs = Number.POSITIVE_INFINITY } = {},
): Promise<Verified> {
  const run = makeVerifyLayers(deps);
  let cursor: string | null = null;
  for (;;) {
    const answer = await run({ layers: wanted, publish }, cursor, deadlineMs);
    if (answer.done) return answer;
    ({ cursor } = answer);
  }
}

function neuronsOf(survey: GraphSurvey): number {
  return layers.reduce((sum, layer) => sum + survey.layers[layer].neurons.count, 0);
}

const manifest = (layer: Layer) => ({
  layer,
  neurons: { count: 0, digest: '' },
  edges: { count: 0, digest: '' },
  withheldEdges: 0,
  watermark: { epoch: 1, sequence: 0 },
  publishedAtMs: 0,
});

const shown = async (graph: GraphInMemory): Promise<readonly string[]> =>
  (await makeVisibleEdges(graph.deps)(edgeKeys(graph))).map(({ key }) => recordPk(key)).toSorted();

async function grouped(graph: GraphInMemory, by: 'layer' | 'level', deadlineMs = 0): Promise<NeuronGroups> {
  const run = makeGroupNeurons(graph.deps);
  let cursor: string | null = null;
  for (;;) {
    const answer = await run(by, cursor, deadlineMs);
    if (answer.done) return answer.result;
    ({ cursor } = answer);
  }
}

describe('verifying the layers of a copied graph', () => {
  test('counts every neuron in one layer and every edge with the upper layer of its ends', async () => {
    const graph = await smallGraph();
    await graph.copy();

    const { survey, faulty, published } = await verify(graph);

    expect(faulty).toEqual([]);
    expect(layers.map((layer) => survey.layers[layer].neurons.count)).toEqual([2, 2, 2, 2, 2]);
    expect(layers.map((layer) => survey.layers[layer].edges.count)).toEqual([1, 2, 2, 2, 2]);
    expect(published.layers.map(({ layer }) => layer)).toEqual(layers);
    expect(published.revision).toBe(1);
  });

  test('gives the same result in one go and page by page', async () => {
    const graph = graphInMemory();
    const names = Array.from({ length: 700 }, (_, at) => `n${String(at).padStart(3, '0')}`);
    await graph.put('neuron', ...names.map((name, at) => neuronRow(name, roles[at % 5] ?? null)));
    await graph.put(
      'connection',
      ...names.map((name, at) => connectionRow(name, names[(at * 7) % 700] ?? '')),
    );
    await graph.copy();

    const whole = await verify(graph, layers, { publish: false });
    const paged = await verify(graph, layers, { publish: false, deadlineMs: 0 });

    expect(paged).toEqual(whole);
    expect(neuronsOf(whole.survey)).toBe(700);
    expect(whole.survey.edgeKinds.verified).toBe(700);
  });

  test('publishes nothing before the copy, and says what is missing', async () => {
    const graph = await smallGraph();
    await graph.deps.source.installChangeLog();

    const { faulty, published, survey } = await verify(graph);

    expect(faulty).toEqual(layers);
    expect(published).toEqual(nothingPublished);
    expect(survey.findings[0]).toMatchObject({ fault: 'neuron-missing' });
  });

  test('publishes neither a layer with a fault nor what lies above it', async () => {
    const graph = await smallGraph();
    await graph.copy();
    graph.damage(neuronKey('thinker-1'), (body) => body.replace('"idle"', '"busy"'));

    const { faulty, published, survey } = await verify(graph);

    // An edge from below has its upper end there, and one upwards its lower end.
    expect(faulty).toEqual(['cognitive']);
    expect(published.layers.map(({ layer }) => layer)).toEqual(['substrate', 'protocol']);
    expect(survey.findings.map(({ pk }) => pk)).toContain('neuron/thinker-1');
  });

  test('an edge into a layer below that is no longer sound keeps its own layer back', async () => {
    const graph = await smallGraph();
    await graph.copy();
    await verify(graph, ['substrate', 'protocol']);
    graph.damage(neuronKey('router-2'), (body) => body.replace('"idle"', '"busy"'));

    const { faulty, published } = await verify(graph, ['cognitive']);

    expect(faulty).toEqual(['cognitive']);
    expect(isPublished(published, 'cognitive')).toBe(false);
  });

  test('a change on its way keeps the layer back until it has arrived', async () => {
    const graph = await smallGraph();
    await graph.copy();
    await graph.put('neuron', neuronRow('storage-1', 'storage', { activation: 0.25 }));

    expect((await verify(graph)).faulty).toEqual(['substrate']);
    await graph.relay();

    expect((await verify(graph)).faulty).toEqual([]);
  });

  test('waits for a change that takes some seconds to arrive', async () => {
    const graph = await smallGraph();
    await graph.copy();
    await graph.put('neuron', neuronRow('storage-1', 'storage', { activation: 0.25 }));
    const arrivesAtMs = graph.time.nowMs + 3_000;
    graph.deps.sleeper.sleep = async (durationMs) => {
      graph.time.nowMs += durationMs;
      if (graph.time.nowMs >= arrivesAtMs) await graph.relay();
    };

    expect((await verify(graph)).faulty).toEqual([]);
    expect(graph.time.nowMs).toBeGreaterThanOrEqual(arrivesAtMs);
    expect(graph.time.nowMs).toBeLessThan(arrivesAtMs + 1_000);
  });

  test('an edge whose end is in quarantine is withheld, and its layer published without it', async () => {
    const graph = await smallGraph();
    await graph.put('neuron', neuronRow('learner-2', 'learner', { weights: '[1,"n/a"]' }));
    await graph.copy();

    const { survey, faulty } = await verify(graph);

    expect(faulty).toEqual([]);
    expect(survey.quarantinedNeurons).toBe(1);
    expect(survey.edgeKinds).toMatchObject({ verified: 8, withheld: 1 });
    expect(survey.layers.intelligence).toMatchObject({ withheldEdges: 1, edges: { count: 1 } });
  });
});

describe('publishing', () => {
  test('goes bottom up: a layer above one that is not published is refused', () => {
    expect(() => withLayers(nothingPublished, [manifest('protocol')])).toThrow(
      expect.objectContaining({ name: 'LayerOutOfOrder', exit: 'conflict' }),
    );
    const first = withLayers(nothingPublished, [manifest('substrate')]);
    expect(() => withLayers(first, [manifest('cognitive')])).toThrow(/protocol/);
    expect(withLayers(first, [manifest('protocol')])).toMatchObject({ revision: 2 });
  });

  test('never forgets a layer that another command published meanwhile', async () => {
    const graph = await smallGraph();
    await graph.copy();
    await verify(graph, ['substrate']);
    const read = graph.deps.manifests.read.bind(graph.deps.manifests);
    let looks = 0;
    graph.deps.manifests.read = async () => {
      const found = await read();
      looks += 1;
      if (looks === 1) await graph.deps.manifests.publish(withLayers(found, [manifest('protocol')]));
      return found;
    };

    const { published } = await verify(graph, ['substrate']);

    expect(published.layers.map(({ layer }) => layer)).toEqual(['substrate', 'protocol']);
    expect(published.revision).toBe(3);
  });
});

describe('an edge', () => {
  test('shows once the layers of both its ends are published', async () => {
    const graph = await smallGraph();
    await graph.copy();
    const between = recordPk(connectionKey('storage-2', 'router-1'));

    expect(await shown(graph)).toEqual([]);
    await verify(graph, ['substrate']);
    expect(await shown(graph)).toEqual([recordPk(connectionKey('storage-1', 'storage-2'))]);
    await verify(graph, ['protocol']);

    expect(await shown(graph)).toContain(between);
    expect(await shown(graph)).toHaveLength(3);
  });

  test('to a unit that is deleted after its layer was published is not shown any more', async () => {
    const graph = await smallGraph();
    await graph.copy();
    await verify(graph);

    await graph.remove(neuronKey('learner-2'));
    await graph.relay();

    expect(await shown(graph)).toHaveLength(8);
  });

  test('never dangles, whatever is written, damaged and published in whatever order', async () => {
    const name = fc.integer({ min: 0, max: 7 }).map((at) => `n${at}`);
    const step = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), name, role: fc.constantFrom(...roles, null) }),
      fc.record({ kind: fc.constant('connect' as const), name, to: name }),
      fc.record({ kind: fc.constant('remove' as const), name }),
      fc.record({ kind: fc.constant('damage' as const), name }),
      fc.record({ kind: fc.constant('verify' as const), upTo: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant('relay' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const graph = await smallGraph();
        await graph.copy();
        for (const taken of steps) {
          await take(graph, taken);
          const { layers: published } = await graph.deps.manifests.read();
          const names = published.map(({ layer }) => layer);
          for (const edge of await makeVisibleEdges(graph.deps)(edgeKeys(graph))) {
            expect(names).toEqual(expect.arrayContaining([edge.layers.source, edge.layers.target]));
            for (const end of [edge.source, edge.target]) {
              const unit = graph.world.records.get(recordPk(end));
              expect(unit?.state).toBe('live');
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

type Step =
  | { kind: 'put'; name: string; role: string | null }
  | { kind: 'connect'; name: string; to: string }
  | { kind: 'remove' | 'damage'; name: string }
  | { kind: 'verify'; upTo: number }
  | { kind: 'relay' };

async function take(graph: GraphInMemory, step: Step): Promise<void> {
  if (step.kind === 'put') await graph.put('neuron', neuronRow(step.name, step.role));
  if (step.kind === 'connect') await graph.put('connection', connectionRow(step.name, step.to));
  if (step.kind === 'remove') await graph.remove(neuronKey(step.name));
  if (step.kind === 'relay') await graph.relay();
  if (step.kind === 'verify') await verify(graph, layers.slice(0, step.upTo));
  if (step.kind === 'damage') graph.world.records.delete(recordPk(neuronKey(step.name)));
}

function edgeKeys({ world }: GraphInMemory) {
  return [...world.records.values()]
    .map(({ key }) => key)
    .filter(({ recordType }) => recordType === 'connection');
}

describe('grouping', () => {
  test('puts every neuron into one group, those without a hierarchical form included', async () => {
    const graph = graphInMemory();
    const names = Array.from({ length: 1_200 }, (_, at) => `n${at}`);
    await graph.put('neuron', ...names.map((name, at) => neuronRow(name, roles[at % 5] ?? null)));
    await graph.put('neuron', neuronRow('broken', 'storage', { weights: '["n/a"]' }));

    const { groups, looked, total } = await grouped(graph, 'layer');

    expect([looked, total]).toEqual([1_201, 1_201]);
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(1_201);
    expect(Object.fromEntries(groups.map(({ name, count }) => [name, count]))).toEqual({
      substrate: 240,
      protocol: 240,
      cognitive: 240,
      orchestration: 240,
      intelligence: 240,
      unconvertible: 1,
    });
    expect(groups.find(({ name }) => name === 'unconvertible')?.examples).toEqual(['broken']);
  });
});
