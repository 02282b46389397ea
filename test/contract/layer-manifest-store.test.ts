import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { makeLayerManifestStore } from '../../lib/aws/layer-manifest-store.ts';
import { makeMemoryLayerManifestStore } from '../../lib/memory/layer-manifest-store.ts';
import {
  nothingPublished,
  withLayers,
  type LayerManifest,
  type LayerManifestStore,
} from '../../lib/migration/neurons/layer-manifest.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

const adapters: Readonly<Record<string, () => Promise<LayerManifestStore>>> = {
  memory: () => Promise.resolve(makeMemoryLayerManifestStore()),
  DynamoDB: async () => {
    const { progress } = await dynamo.createTables();
    return makeLayerManifestStore({ client: dynamo.client, table: progress });
  },
};

const substrate: LayerManifest = {
  layer: 'substrate',
  neurons: { count: 2, digest: 'ab' },
  edges: { count: 1, digest: 'cd' },
  withheldEdges: 0,
  watermark: { epoch: 1, sequence: 9 },
  publishedAtMs: 5,
};

describe.each(Object.entries(adapters))('layer manifest store: %s', (_name, make) => {
  let store: LayerManifestStore;
  beforeEach(async () => {
    store = await make();
  });

  test('has nothing published at first, and then what was published', async () => {
    const next = withLayers(nothingPublished, [substrate]);

    expect(await store.read()).toEqual(nothingPublished);
    expect(await store.publish(next)).toBe(true);

    expect(await store.read()).toEqual(next);
  });

  test('refuses whoever does not know the last revision, and keeps what is there', async () => {
    const first = withLayers(nothingPublished, [substrate]);
    const second = withLayers(first, [{ ...substrate, layer: 'protocol' }]);
    await store.publish(first);
    await store.publish(second);

    const late = withLayers(nothingPublished, [{ ...substrate, publishedAtMs: 6 }]);
    expect(await store.publish(late)).toBe(false);
    expect(await store.publish({ ...second, layers: [substrate] })).toBe(false);
    expect(await store.publish({ ...second, revision: 4 })).toBe(false);

    expect(await store.read()).toEqual(second);
  });
});
