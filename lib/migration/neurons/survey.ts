import type { RecordVersion } from '../record.ts';
import { layers, type Layer } from '../transforms/assign-layer.ts';
import type { EdgeKind } from './classify-edge.ts';
import { addToSum, emptySum } from './content-sum.ts';
import type { LayerManifest } from './layer-manifest.ts';

/** Count and digest of what was verified. */
interface Sum {
  readonly count: number;
  readonly digest: string;
}

interface LayerTally {
  readonly neurons: Sum;
  readonly edges: Sum;
  readonly withheldEdges: number;
  /** Neurons and edges of the layer that keep it from being published. */
  readonly faults: number;
}

interface GraphFinding {
  readonly fault: string;
  readonly pk: string;
  readonly layer: Layer | null;
}

/** What a walk over neurons and edges found. Of constant size, whatever the size of the graph. */
export interface GraphSurvey {
  /** Position of the change log before anything was read. */
  readonly watermark: RecordVersion | null;
  readonly looked: { readonly neurons: number; readonly edges: number };
  readonly total: { readonly neurons: number; readonly edges: number };
  readonly layers: Readonly<Record<Layer, LayerTally>>;
  readonly quarantinedNeurons: number;
  readonly edgeKinds: Readonly<Record<EdgeKind, number>>;
  /** The first fifty. */
  readonly findings: readonly GraphFinding[];
}

const mostFindings = 50;

const emptyTally: LayerTally = {
  neurons: { count: 0, digest: emptySum },
  edges: { count: 0, digest: emptySum },
  withheldEdges: 0,
  faults: 0,
};

export function emptySurvey(total: GraphSurvey['total']): GraphSurvey {
  return {
    watermark: null,
    looked: { neurons: 0, edges: 0 },
    total,
    layers: Object.fromEntries(layers.map((layer) => [layer, emptyTally])) as GraphSurvey['layers'],
    quarantinedNeurons: 0,
    edgeKinds: { verified: 0, remote: 0, orphaned: 0, withheld: 0, misnamed: 0, unverified: 0 },
    findings: [],
  };
}

/** What one page adds to a layer. */
interface LayerShare {
  readonly neurons: Buffer[];
  readonly edges: Buffer[];
  withheldEdges: number;
  faults: number;
}

/** What one page adds to a survey. */
export interface PageShare {
  readonly layers: Record<Layer, LayerShare>;
  looked: { neurons: number; edges: number };
  quarantinedNeurons: number;
  readonly edgeKinds: Record<EdgeKind, number>;
  readonly findings: GraphFinding[];
}

export function emptyShare(): PageShare {
  return {
    layers: Object.fromEntries(
      layers.map((layer) => [layer, emptyLayerShare()]),
    ) as unknown as PageShare['layers'],
    looked: { neurons: 0, edges: 0 },
    quarantinedNeurons: 0,
    edgeKinds: { verified: 0, remote: 0, orphaned: 0, withheld: 0, misnamed: 0, unverified: 0 },
    findings: [],
  };
}

function emptyLayerShare(): LayerShare {
  return { neurons: [], edges: [], withheldEdges: 0, faults: 0 };
}

export function withPage(survey: GraphSurvey, share: PageShare, lowWatermark: RecordVersion): GraphSurvey {
  const tallies = layers.map((layer) => [layer, withShare(survey.layers[layer], share.layers[layer])]);
  const kinds = Object.entries(share.edgeKinds) as [EdgeKind, number][];
  return {
    ...survey,
    watermark: survey.watermark ?? lowWatermark,
    looked: {
      neurons: survey.looked.neurons + share.looked.neurons,
      edges: survey.looked.edges + share.looked.edges,
    },
    layers: Object.fromEntries(tallies) as GraphSurvey['layers'],
    quarantinedNeurons: survey.quarantinedNeurons + share.quarantinedNeurons,
    edgeKinds: Object.fromEntries(
      kinds.map(([kind, count]) => [kind, survey.edgeKinds[kind] + count]),
    ) as GraphSurvey['edgeKinds'],
    findings: [...survey.findings, ...share.findings].slice(0, mostFindings),
  };
}

function withShare(tally: LayerTally, share: LayerShare): LayerTally {
  return {
    neurons: added(tally.neurons, share.neurons),
    edges: added(tally.edges, share.edges),
    withheldEdges: tally.withheldEdges + share.withheldEdges,
    faults: tally.faults + share.faults,
  };
}

function added(sum: Sum, hashes: readonly Buffer[]): Sum {
  if (hashes.length === 0) return sum;
  return { count: sum.count + hashes.length, digest: addToSum(sum.digest, hashes) };
}

/** Manifests of those of the layers that have no fault; the survey has to be complete. */
export function manifestsOf(
  survey: GraphSurvey,
  wanted: readonly Layer[],
  nowMs: number,
): readonly LayerManifest[] {
  return wanted.flatMap((layer) => {
    const { neurons, edges, withheldEdges, faults } = survey.layers[layer];
    if (faults > 0) return [];
    const watermark = survey.watermark ?? { epoch: 0, sequence: 0 };
    return [{ layer, neurons, edges, withheldEdges, watermark, publishedAtMs: nowMs }];
  });
}
