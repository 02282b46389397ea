import { expect, test } from 'vitest';

import { makeMemoryReverseCanaries } from '../../../../lib/memory/reverse-canaries.ts';
import { makeMemoryReversePendingStore } from '../../../../lib/memory/reverse-pending-store.ts';
import { makeMemorySettingsStore } from '../../../../lib/memory/settings-store.ts';
import { makeMemorySwitchStore } from '../../../../lib/memory/switch-store.ts';
import { recordPk } from '../../../../lib/migration/key.ts';
import { makeVerifyLayers } from '../../../../lib/migration/neurons/verify-layers.ts';
import { makeReverseChanges } from '../../../../lib/migration/reverse-changes.ts';
import { makeSwitchAuthority } from '../../../../lib/migration/switch-authority.ts';
import { layers } from '../../../../lib/migration/transforms/assign-layer.ts';
import { neuronKey, smallGraph } from './graph-in-memory.ts';

const category = 'neuron-states';
const forward = { category, to: 'hierarchical', requestedBy: 'ann' } as const;

/** A copied graph, with the guards of a switch as they stand in production. */
async function copiedGraph() {
  const graph = await smallGraph();
  await graph.copy();
  const { deps, world } = graph;
  const switches = makeMemorySwitchStore(world);
  const all = { ...deps, switches, reversePending: makeMemoryReversePendingStore(world) };
  const carry = makeReverseChanges(all);
  world.onRecordPut = (_pk, record) => {
    if (record.origin === 'hierarchical') void carry([{ ...record, intact: true }]);
  };
  const guards = {
    canaries: makeMemoryReverseCanaries(world),
    settings: makeMemorySettingsStore(),
    layers: deps.manifests,
    sleeper: deps.sleeper,
  };
  const verify = makeVerifyLayers(deps);
  return {
    graph,
    switches,
    publish: () => verify({ layers, publish: true }, null, Infinity),
    switching: makeSwitchAuthority({ ...all, guards }),
  };
}

test('authority over the neurons is given when all five layers are published, and not before', async () => {
  const { graph, switching, publish, switches } = await copiedGraph();

  await expect(switching.switchTo(forward)).rejects.toMatchObject({
    name: 'LayersNotPublished',
    message: `${category} cannot change authority: not published are the layers ${layers.join(', ')}`,
  });
  expect(await switches.current(category)).toBeNull();
  expect(await graph.deps.source.authority(category)).toEqual({ epoch: 1, state: 'open' });

  await publish();

  expect(await switching.switchTo(forward)).toMatchObject({ kind: 'switched' });
});

test('an unsound layer, and those above it, keep the authority where it is', async () => {
  const { graph, switching, publish, switches } = await copiedGraph();
  const pk = recordPk(neuronKey('router-1'));
  graph.world.records.set(pk, { ...graph.world.records.get(pk)!, body: '{}' });
  await publish();

  await expect(switching.switchTo(forward)).rejects.toMatchObject({
    name: 'LayersNotPublished',
    facts: { missing: layers.slice(1) },
  });
  expect(await switches.current(category)).toBeNull();
});
