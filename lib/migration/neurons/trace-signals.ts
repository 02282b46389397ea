import { mapBounded } from '../../kernel/map-bounded.ts';
import type { Sleeper } from '../../kernel/clock.ts';
import { decodeKey, recordPk } from '../key.ts';
import type { FlatSource, KeyRange } from '../ports.ts';
import type { KeyPart, RecordKey } from '../row.ts';
import { bodyOf, endsOf, graphTablesOf, layerOfBody, type GraphTables } from './graph-tables.ts';
import { isPublished, type PublishedLayers } from './layer-manifest.ts';
import { makeVisibleEdges, propertiesOf, type Edge, type VisibleEdgesDeps } from './visible-edges.ts';

export interface TraceDeps extends VisibleEdgesDeps {
  readonly source: FlatSource;
  readonly clock: { nowMs(): number };
  readonly sleeper: Sleeper;
}

/** One hop of a signal: over which edge, to which unit, with what strength left. */
interface Hop {
  readonly edge: string;
  readonly to: string;
  readonly weight: number;
  readonly strength: number;
}

export interface SignalDifference {
  readonly start: string;
  readonly flat: readonly Hop[];
  readonly hierarchical: readonly Hop[];
}

/** A signal ends where it is this weak, or after so many hops. */
const weakest = 0.01;
const mostHops = 10;
/** Share of its strength that a signal loses at each hop. */
const decay = 0.1;

const pageEdges = 500;
const atOnce = 8;
const rechecks = 3;
const recheckAfterMs = 250;

type EdgesOf = (neuron: RecordKey) => Promise<readonly Edge[]>;

/** Keys of `samples` neurons spread evenly over the store, in key order. */
export async function sampleStarts(
  source: FlatSource,
  graph: GraphTables,
  samples: number,
): Promise<readonly RecordKey[]> {
  const { recordType } = graph.neurons[0];
  const count = await source.countRows(recordType);
  const starts: RecordKey[] = [];
  const ranges: AsyncIterable<KeyRange> = source.planRanges(
    recordType,
    Math.max(1, Math.floor(count / samples)),
  );
  for await (const range of ranges) {
    if (starts.length >= samples) break;
    const page = await source.readRange(recordType, range, 1);
    const [image] = page.images;
    if (image !== undefined) starts.push(image.key);
  }
  return starts;
}

/**
 * Lets a signal start at each neuron in both systems and compares where it goes: at each unit over the strongest
 * forward edge to a unit where it has not been. What differs is looked at again, in case changes are on the way.
 */
export function makeTraceSignals(
  deps: TraceDeps,
): (
  starts: readonly RecordKey[],
) => Promise<{ readonly hops: number; readonly different: readonly SignalDifference[] }> {
  const graph = graphTablesOf(deps.definition);
  return async (starts) => {
    const traced = await mapBounded(starts, atOnce, async (start) => {
      for (let round = 1; ; round += 1) {
        const paths = await tracedOnce(deps, graph, start);
        if (isSame(paths) || round === rechecks) return paths;
        await deps.sleeper.sleep(recheckAfterMs);
      }
    });
    return {
      hops: traced.reduce((sum, { flat }) => sum + flat.length, 0),
      different: traced.filter((paths) => !isSame(paths)),
    };
  };
}

async function tracedOnce(deps: TraceDeps, graph: GraphTables, start: RecordKey): Promise<SignalDifference> {
  const published = await deps.manifests.read();
  const visible = makeVisibleEdges(deps);
  const flatEdges: EdgesOf = (neuron) => edgesInFlat(deps, graph, published, neuron);
  const hierarchicalEdges: EdgesOf = async (neuron) =>
    await visible((await connectionsOf(deps, graph, neuron)).map(({ key }) => key));
  return {
    start: recordPk(start),
    flat: await follow(flatEdges, start),
    hierarchical: await follow(hierarchicalEdges, start),
  };
}

function isSame({ flat, hierarchical }: SignalDifference): boolean {
  return JSON.stringify(flat) === JSON.stringify(hierarchical);
}

async function follow(edgesOf: EdgesOf, start: RecordKey): Promise<readonly Hop[]> {
  const hops: Hop[] = [];
  const visited = new Set([recordPk(start)]);
  let at = start;
  let strength = 1;
  while (hops.length < mostHops && strength > weakest) {
    const next = strongest((await edgesOf(at)).filter(({ target }) => !visited.has(recordPk(target))));
    if (next === undefined) break;
    strength *= 1 - decay;
    visited.add(recordPk(next.target));
    hops.push({ edge: next.key.id, to: recordPk(next.target), weight: next.weight, strength });
    at = next.target;
  }
  return hops;
}

function strongest(edges: readonly Edge[]): Edge | undefined {
  return edges
    .filter(({ type }) => type === 'Forward')
    .toSorted((left, right) => right.weight - left.weight || (left.key.id < right.key.id ? -1 : 1))[0];
}

/** What flat has, held to the same rule: both ends there, in layers that are published. */
async function edgesInFlat(
  { definition, source, clock }: TraceDeps,
  graph: GraphTables,
  published: PublishedLayers,
  neuron: RecordKey,
): Promise<readonly Edge[]> {
  const connections = await connectionsOf({ definition, source, clock }, graph, neuron);
  const keys = new Map(
    connections.flatMap(({ ends }) => [ends.source, ends.target]).map((key) => [recordPk(key), key]),
  );
  const { images } = await source.readCurrent(graph.category, [...keys.values()]);
  const units = new Map(
    images.map(({ key, row }) => [
      recordPk(key),
      row === null ? null : bodyOf(graph.neurons[0], row, clock.nowMs()),
    ]),
  );
  return connections.flatMap(({ key, body, ends }): readonly Edge[] => {
    const layers = {
      source: layerOfBody(units.get(recordPk(ends.source))),
      target: layerOfBody(units.get(recordPk(ends.target))),
    };
    if (body === null || layers.source === null || layers.target === null) return [];
    if (!isPublished(published, layers.source) || !isPublished(published, layers.target)) return [];
    return [
      {
        key,
        ...ends,
        ...propertiesOf(body),
        layers: { source: layers.source, target: layers.target },
      },
    ];
  });
}

/** Sorts after every text that a key has. */
const last = '\u{10FFFF}';

async function connectionsOf(
  { source, clock }: Pick<TraceDeps, 'source' | 'clock' | 'definition'>,
  graph: GraphTables,
  neuron: RecordKey,
) {
  const [name] = decodeKey(neuron.id);
  const table = graph.connections;
  if (table === null || typeof name !== 'string') return [];
  const found = [];
  let after: readonly KeyPart[] | null = [name, '', ''];
  while (after !== null) {
    const page: Awaited<ReturnType<FlatSource['readRange']>> = await source.readRange(
      table.recordType,
      { after, upTo: [name, last, last] },
      pageEdges,
    );
    for (const { key, row } of page.images) {
      if (row === null) continue;
      const ends = endsOf(graph, String(row['source']), String(row['target']));
      found.push({ key, ends, body: bodyOf(table, row, clock.nowMs()) });
    }
    after = page.nextAfter;
  }
  return found;
}
