import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { makeHandler } from '../../../../functions/examine-neurons/handler.ts';
import { makeLayerManifestStore } from '../../../../lib/aws/layer-manifest-store.ts';
import { encodeKey, recordPk } from '../../../../lib/migration/key.ts';
import type { CheckConnectionsAnswer } from '../../../../lib/migration/neurons/check-connections.ts';
import type { SignalTestAnswer } from '../../../../lib/migration/neurons/test-signals.ts';
import type { VerifyLayersAnswer } from '../../../../lib/migration/neurons/verify-layers.ts';
import type { FlatRow } from '../../../../lib/migration/row.ts';
import { layers } from '../../../../lib/migration/transforms/assign-layer.ts';
import { makeCopiedStore, type CopiedStore } from '../../../support/copied-store.ts';
import { startDynamo, type TestDynamo } from '../../../support/dynoxide.ts';
import { flatEngines, startFlatEngine, type FlatEngine } from '../../../support/flat-engines.ts';

// Engines of their own, and a machine that may be busy with others.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const category = 'neuron-states';

type Done<Answer extends { readonly done: boolean }> = Extract<Answer, { done: true }>;

describe.each(flatEngines)('the neurons of a whole store in %s', (name) => {
  let dynamo: TestDynamo;
  let engine: FlatEngine;
  let store: CopiedStore;
  let invoke: (event: unknown) => Promise<unknown>;
  beforeAll(async () => {
    [dynamo, engine] = await Promise.all([startDynamo(), startFlatEngine(name)]);
  });
  afterAll(() => Promise.all([dynamo.stop(), engine.stop()]));
  beforeEach(async () => {
    store = await makeCopiedStore(dynamo, engine, 400);
    const { client, deps, tables, hierarchical, flat } = store;
    invoke = makeHandler({
      ...deps,
      hierarchical,
      flatWriter: flat.openWriter(),
      manifests: makeLayerManifestStore({ client, table: tables.progress }),
      timeBudgetMs: 2_000,
    });
    await store.copy(category);
  });
  afterEach(() => store.close());

  /** Calls until the answer is the last one. */
  async function call<Answer extends { readonly done: boolean }>(request: object): Promise<Done<Answer>> {
    let cursor: string | null = null;
    for (;;) {
      const answer = (await invoke({ ...request, cursor })) as Answer & { readonly cursor: string };
      if (answer.done) return answer as unknown as Done<Answer>;
      ({ cursor } = answer);
    }
  }
  const verify = () => call<VerifyLayersAnswer>({ action: 'verify', layers, publish: true });
  const connections = (fixId: string | null) =>
    call<CheckConnectionsAnswer>({ action: 'connections', deep: true, fixId });
  const signals = async () => (await call<SignalTestAnswer>({ action: 'signals', samples: 60 })).result;

  it('are in layers that are published bottom up, and pass signals along the same paths', async () => {
    const { survey, faulty, published } = await verify();

    const counted = layers.map((layer) => survey.layers[layer].neurons.count);
    const rows = await store.deps.source.countRows('neuron');
    const quarantined = await store.deps.quarantine.count(category);
    expect(faulty).toEqual([]);
    expect(published.layers.map(({ layer }) => layer)).toEqual(layers);
    expect(counted.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(rows - quarantined - 1);
    expect(await signals()).toMatchObject({ walked: 60, differing: 0 });
  });

  it('lose no edge but those without an end, whichever side has authority', async () => {
    await verify();
    await store.execute(
      `UPDATE flat_connections SET target = 'nobody' WHERE id = (SELECT min(id) FROM flat_connections)`,
    );
    await store.relay(category);
    const { survey } = await connections(null);
    const underFlat = await connections('first');
    await store.relay(category);
    await store.switchTo('hierarchical', category);
    const orphan = await anEdgeTo('no one');
    expect((await store.gateway.write(orphan.key, orphan.row)).kind).toBe('written');
    await store.carryBack(category);
    const underHierarchical = await connections('second');
    await store.carryBack(category);

    expect(survey.edgeKinds.orphaned).toBe(1);
    expect(underFlat.orphans).toEqual({ 'set-aside': 1, mended: 0, left: 0 });
    expect(underHierarchical.orphans).toEqual({ 'set-aside': 1, mended: 0, left: 0 });
    expect((await connections(null)).survey.edgeKinds).toMatchObject({
      orphaned: 0,
      verified: survey.edgeKinds.verified,
    });
    const { images } = await store.deps.source.readCurrent(category, [orphan.key]);
    expect(images[0]?.row).toBeNull();
    expect((await verify()).faulty).toEqual([]);
    expect(await signals()).toMatchObject({ differing: 0 });
  });

  it('show the record that was changed on the target only, and publish nothing above it', async () => {
    const { images } = await store.deps.source.readRange('neuron', { after: null, upTo: null }, 1);
    const { key } = images[0]!;
    const stored = (await store.deps.target.read([key])).get(recordPk(key))!;
    await store.deps.target.repair([
      { ...stored, version: { epoch: 1, sequence: 1 }, state: 'tombstone', body: null },
    ]);

    const { faulty, survey } = await verify();

    expect(faulty).toHaveLength(1);
    expect(survey.findings.map(({ pk }) => pk)).toContain(recordPk(key));
  });

  /** A row like another one, between its source and somebody else. */
  async function anEdgeTo(target: string) {
    const { images } = await store.deps.source.readRange('connection', { after: null, upTo: null }, 1);
    const row: FlatRow = { ...images[0]!.row!, target, id: `edge to ${target}` };
    const parts = [row['source'], target, row['conn_type']].map(String);
    return { key: { recordType: 'connection', id: encodeKey(parts) }, row };
  }
});
