import { describe, expect, test } from 'vitest';

import { recordPk } from '../../../../lib/migration/key.ts';
import { makeCheckConnections } from '../../../../lib/migration/neurons/check-connections.ts';
import { makeTestSignals, type SignalTest } from '../../../../lib/migration/neurons/test-signals.ts';
import { makeVerifyLayers } from '../../../../lib/migration/neurons/verify-layers.ts';
import { makeReplayQuarantine, replayPage } from '../../../../lib/migration/replay-quarantine.ts';
import { layers } from '../../../../lib/migration/transforms/assign-layer.ts';
import {
  connectionKey,
  connectionRow,
  neuronKey,
  neuronRow,
  smallGraph,
  type GraphInMemory,
} from './graph-in-memory.ts';

const forever = Number.POSITIVE_INFINITY;

async function copiedAndPublished(): Promise<GraphInMemory> {
  const graph = await smallGraph();
  await graph.copy();
  await makeVerifyLayers(graph.deps)({ layers, publish: true }, null, forever);
  return graph;
}

async function tested({ deps }: GraphInMemory, samples: number, deadlineMs = forever): Promise<SignalTest> {
  const run = makeTestSignals(deps);
  let cursor: string | null = null;
  for (;;) {
    const answer = await run(samples, cursor, deadlineMs);
    if (answer.done) return answer.result;
    ({ cursor } = answer);
  }
}

const check = ({ deps }: GraphInMemory, fixId: string | null, deep = true) =>
  makeCheckConnections(deps)({ deep, fixId }, null, forever);

async function withOrphans(): Promise<GraphInMemory> {
  const graph = await smallGraph();
  await graph.put('connection', connectionRow('storage-1', 'nobody'));
  await graph.put('connection', connectionRow('storage-1', 'server-2:neuron-9'));
  await graph.copy();
  return graph;
}

describe('signals from sampled neurons', () => {
  test('take the same paths in both systems', async () => {
    const graph = await copiedAndPublished();

    const result = await tested(graph, 1_000);

    expect(result).toMatchObject({ samples: 10, walked: 10, differing: 0 });
    // From the bottom a signal climbs nine edges; from each neuron above, one less.
    expect(result.hops).toBe(45);
  });

  test('are followed a few at a time with the same result', async () => {
    const graph = await copiedAndPublished();
    for (let at = 0; at < 30; at += 1) await graph.put('neuron', neuronRow(`z${at}`));
    await graph.relay();

    expect(await tested(graph, 40, 0)).toEqual(await tested(graph, 40));
  });

  test.each([
    ['another weight', (body: string) => body.replace('"weight":0.75', '"weight":0.5')],
    ['another direction', (body: string) => body.replace('"Forward"', '"Backward"')],
  ])('show an edge with %s in one system only', async (_what, edit) => {
    const graph = await copiedAndPublished();
    graph.damage(connectionKey('thinker-2', 'scheduler-1'), edit);

    const { differing, differences } = await tested(graph, 10);

    expect(differing).toBe(6);
    expect(differences[0]?.hierarchical).not.toEqual(differences[0]?.flat);
  });

  test('do not pass to a unit that only one system has', async () => {
    const graph = await copiedAndPublished();
    graph.world.records.delete(recordPk(neuronKey('learner-2')));

    expect((await tested(graph, 10)).differing).toBe(9);
  });

  test('are refused while no layer is published', async () => {
    const graph = await smallGraph();
    await graph.copy();

    await expect(tested(graph, 10)).rejects.toMatchObject({ name: 'LayersNotPublished' });
  });
});

describe('edges without an end', () => {
  test('are reported, and edges to other servers told from them', async () => {
    const graph = await withOrphans();

    for (const deep of [true, false]) {
      const { survey, orphans } = await check(graph, null, deep);

      expect(survey.edgeKinds).toMatchObject({ verified: 9, orphaned: 1, remote: 1 });
      expect(survey.findings).toEqual([
        { fault: 'edge-orphaned', pk: 'connection/storage-1|nobody|forward', layer: 'substrate' },
      ]);
      expect(orphans['set-aside']).toBe(0);
    }
  });

  test('are taken out of the graph when asked for, and nothing else is', async () => {
    const graph = await withOrphans();

    const { orphans } = await check(graph, 'fix-1');
    await graph.relay();

    expect(orphans).toEqual({ 'set-aside': 1, mended: 0, left: 0 });
    expect((await check(graph, 'fix-1')).survey.edgeKinds).toMatchObject({
      verified: 9,
      orphaned: 0,
      remote: 1,
    });
    expect(graph.world.records.get('connection/storage-1|nobody|forward')?.state).toBe('tombstone');
  });

  test('keep their row in quarantine, and come back from there once their end exists', async () => {
    const graph = await withOrphans();
    await check(graph, 'fix-1');
    await graph.relay();
    const { entries } = await graph.deps.quarantine.list('neuron-states', null, 10);

    expect(entries).toMatchObject([{ errorName: 'OrphanedEdge', key: { recordType: 'connection~fix-1' } }]);
    await graph.put('neuron', neuronRow('nobody'));
    const [entry] = entries;
    if (entry === undefined) throw new Error('no entry');
    expect(await makeReplayQuarantine(graph.deps)(entry)).toBe('replayed');
    await graph.relay();

    expect((await check(graph, null)).survey.edgeKinds).toMatchObject({ verified: 10, orphaned: 0 });
  });

  test('are not put back by a replay of everything that is in quarantine', async () => {
    const graph = await withOrphans();
    await check(graph, 'fix-1');
    await graph.relay();

    await replayPage(graph.deps, 'neuron-states', null);
    await graph.relay();

    expect((await check(graph, null)).survey.edgeKinds).toMatchObject({ orphaned: 0 });
  });

  test('that found their end meanwhile are left alone', async () => {
    const graph = await withOrphans();
    const { source } = graph.deps;
    const readCurrent = source.readCurrent.bind(source);
    let looks = 0;
    source.readCurrent = async (...given) => {
      const answer = await readCurrent(...given);
      looks += 1;
      if (looks === 1) await graph.put('neuron', neuronRow('nobody'));
      return answer;
    };

    const { orphans } = await check(graph, 'fix-1', false);

    expect(orphans).toEqual({ 'set-aside': 0, mended: 1, left: 0 });
    expect((await source.readRange('connection', { after: null, upTo: null }, 100)).images).toHaveLength(11);
  });
});
