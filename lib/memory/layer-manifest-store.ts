import { nothingPublished, type LayerManifestStore } from '../migration/neurons/layer-manifest.ts';

export function makeMemoryLayerManifestStore(): LayerManifestStore {
  let present = nothingPublished;
  return {
    read: () => Promise.resolve(present),
    publish(next) {
      if (next.revision !== present.revision + 1) return Promise.resolve(false);
      present = next;
      return Promise.resolve(true);
    },
  };
}
