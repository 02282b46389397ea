import { HalError } from '../../kernel/errors.ts';
import type { RecordVersion } from '../record.ts';
import { layers, type Layer } from '../transforms/assign-layer.ts';

/** What a layer was when all of it was verified. */
export interface LayerManifest {
  readonly layer: Layer;
  readonly neurons: { readonly count: number; readonly digest: string };
  /** Edges whose upper end is in this layer and whose ends were both verified. */
  readonly edges: { readonly count: number; readonly digest: string };
  /** Edges of this layer that are not shown: an end is in quarantine or belongs to another server. */
  readonly withheldEdges: number;
  /** Changes up to here are in it. */
  readonly watermark: RecordVersion;
  readonly publishedAtMs: number;
}

/** All published layers in one document, so that publishing another one is one conditional put. */
export interface PublishedLayers {
  /** 0 while nothing was published. */
  readonly revision: number;
  readonly layers: readonly LayerManifest[];
}

export const nothingPublished: PublishedLayers = { revision: 0, layers: [] };

/** Where the published layers of the neurons are kept. Contract: `test/contract/layer-manifest-store.ts`. */
export interface LayerManifestStore {
  /** Strongly consistent; `nothingPublished` before the first. */
  read(): Promise<PublishedLayers>;
  /** One conditional put: false, and nothing changed, when the stored revision is not `next.revision` - 1. */
  publish(next: PublishedLayers): Promise<boolean>;
}

export function isPublished(published: PublishedLayers, layer: Layer): boolean {
  return published.layers.some((manifest) => manifest.layer === layer);
}

/**
 * The next document, with these layers added or renewed. Throws HalError `LayerOutOfOrder` when a layer below one of
 * them is in neither: an edge may only be shown when both its ends are.
 */
export function withLayers(published: PublishedLayers, added: readonly LayerManifest[]): PublishedLayers {
  const byLayer = new Map([...published.layers, ...added].map((manifest) => [manifest.layer, manifest]));
  const present = layers.flatMap((layer) => byLayer.get(layer) ?? []);
  const missing = layers.slice(0, present.length).find((layer) => !byLayer.has(layer));
  if (missing !== undefined) throw outOfOrder(missing, added);
  return { revision: published.revision + 1, layers: present };
}

function outOfOrder(missing: Layer, added: readonly LayerManifest[]): HalError {
  const names = added.map(({ layer }) => layer).join(', ');
  return new HalError({
    name: 'LayerOutOfOrder',
    message: `${names} cannot be published before the layer ${missing}.`,
    remedy: `Run \`hal9-migrate neurons verify --layer ${missing}\` first; layers are published bottom up.`,
    exit: 'conflict',
    facts: { missing, added: names },
  });
}
