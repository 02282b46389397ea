import { parseExactJson } from '../../kernel/canonical-json.ts';
import type { MigrationDefinition } from '../definition.ts';
import { recordPk } from '../key.ts';
import type { TargetStore } from '../ports.ts';
import type { StoredRecord } from '../record.ts';
import type { RecordKey } from '../row.ts';
import type { Layer } from '../transforms/assign-layer.ts';
import { readPath } from '../transforms/body-path.ts';
import { endsOf, graphTablesOf, layerOfBody, type EdgeEnds } from './graph-tables.ts';
import { isPublished, type LayerManifestStore } from './layer-manifest.ts';

export interface Edge {
  readonly key: RecordKey;
  readonly source: RecordKey;
  readonly target: RecordKey;
  readonly type: string;
  readonly weight: number;
  readonly layers: { readonly source: Layer; readonly target: Layer };
}

export interface VisibleEdgesDeps {
  readonly definition: MigrationDefinition;
  readonly target: Pick<TargetStore, 'read'>;
  readonly manifests: LayerManifestStore;
}

/**
 * The edges of the hierarchical system that may be shown, of those asked for: stored and intact, with both ends stored
 * and intact in layers that are published. Ends are read after their edges, so that none of what is shown dangles,
 * whatever was written since the layers were published.
 */
export function makeVisibleEdges(
  deps: VisibleEdgesDeps,
): (keys: readonly RecordKey[]) => Promise<readonly Edge[]> {
  const graph = graphTablesOf(deps.definition);
  return async (keys) => {
    const published = await deps.manifests.read();
    if (published.layers.length === 0 || keys.length === 0) return [];
    const edges = [...(await deps.target.read(keys)).values()].flatMap((record) => {
      const body = liveBody(record);
      const source = readPath(body, ['metadata', 'original_source']);
      const target = readPath(body, ['metadata', 'original_target']);
      if (typeof source !== 'string' || typeof target !== 'string') return [];
      return [{ key: record.key, body, ...endsOf(graph, source, target) }];
    });
    const units = await readUnits(deps, edges);
    return edges.flatMap(({ key, body, source, target }): readonly Edge[] => {
      const ends = { source: units.get(recordPk(source)), target: units.get(recordPk(target)) };
      const layers = { source: layerOfBody(ends.source), target: layerOfBody(ends.target) };
      if (layers.source === null || layers.target === null) return [];
      if (!isPublished(published, layers.source) || !isPublished(published, layers.target)) return [];
      if (!isNamed(body, 'source_id', ends.source) || !isNamed(body, 'target_id', ends.target)) return [];
      const shown = { source: layers.source, target: layers.target };
      return [{ key, source, target, ...propertiesOf(body), layers: shown }];
    });
  };
}

export function propertiesOf(body: unknown): Pick<Edge, 'type' | 'weight'> {
  const type = readPath(body, ['connection_type']);
  return {
    type: typeof type === 'string' ? type : '',
    weight: Number(readPath(body, ['weight']) ?? 0),
  };
}

/** Bodies of the ends that are there, by partition key. */
async function readUnits(
  { target }: VisibleEdgesDeps,
  edges: readonly EdgeEnds[],
): Promise<ReadonlyMap<string, unknown>> {
  const keys = new Map(
    edges.flatMap((edge) => [edge.source, edge.target]).map((key) => [recordPk(key), key]),
  );
  const found = await target.read([...keys.values()]);
  return new Map([...found].map(([pk, record]) => [pk, liveBody(record)]));
}

function liveBody(record: StoredRecord): unknown {
  if (record.state !== 'live' || !record.intact || record.body === null) return null;
  return parseExactJson(record.body);
}

/** The edge must lead to the very unit that is there. */
function isNamed(edge: unknown, member: 'source_id' | 'target_id', unit: unknown): boolean {
  return readPath(edge, [member]) === readPath(unit, ['unit_id']);
}
