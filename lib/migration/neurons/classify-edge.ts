import type { Layer } from '../transforms/assign-layer.ts';
import { layerRank } from '../transforms/assign-layer.ts';
import { isRemote, layerOfBody } from './graph-tables.ts';
import type { Looked } from './look-at.ts';

export type EdgeKind =
  /** The edge and both its ends are verified. */
  | 'verified'
  /** Its other end is a neuron of another server. */
  | 'remote'
  /** An end does not exist. */
  | 'orphaned'
  /** The edge or an end is in quarantine. */
  | 'withheld'
  /** It names a unit by another identity than that unit has. */
  | 'misnamed'
  /** The edge or an end differs between the systems, or is on its way. */
  | 'unverified';

export interface ClassifiedEdge {
  readonly kind: EdgeKind;
  /** The upper one of the layers of its ends: the edge is published with it. null when neither end has one. */
  readonly layer: Layer | null;
}

export interface End {
  /** Its key in the flat store. */
  readonly name: string;
  readonly looked: Looked | undefined;
  /** Its identity, as the edge has it. */
  readonly unitId: unknown;
}

/** What one edge is, by what was seen of it and of its ends. */
export function classifyEdge(edge: Looked, source: End, target: End): ClassifiedEdge {
  const ends = [source, target];
  const layer = upperLayer(ends.map(({ looked }) => layerOfBody(looked?.body)));
  return { kind: kindOf(edge, ends), layer };
}

function kindOf(edge: Looked, ends: readonly End[]): EdgeKind {
  const absent = ends.filter(({ looked }) => isAbsent(looked));
  if (absent.length > 0) return absent.every(({ name }) => isRemote(name)) ? 'remote' : 'orphaned';
  const looked = [edge, ...ends.flatMap((end) => end.looked ?? [])];
  if (looked.some(({ verdict }) => verdict === 'quarantined')) return 'withheld';
  if (looked.some(({ verdict }) => verdict !== 'verified')) return 'unverified';
  if (ends.some(({ looked: end }) => layerOfBody(end?.body) === null)) return 'withheld';
  return ends.every(({ looked: end, unitId }) => end?.body?.['unit_id'] === unitId) ? 'verified' : 'misnamed';
}

function isAbsent(looked: Looked | undefined): boolean {
  return looked === undefined || looked.verdict === 'absent' || looked.verdict === 'tombstoned';
}

/** null when there is none among them. */
function upperLayer(found: readonly (Layer | null)[]): Layer | null {
  const known = found.filter((layer) => layer !== null);
  return known.toSorted((left, right) => layerRank(right) - layerRank(left))[0] ?? null;
}
