import { canonicalJson } from '../../kernel/canonical-json.ts';
import { mapBounded } from '../../kernel/map-bounded.ts';
import { sha256Bytes } from '../../kernel/sha256.ts';
import type { JudgeKeysDeps } from '../judge-keys.ts';
import { decodeKey, encodeKey, recordPk } from '../key.ts';
import type { FlatSource, RangePage } from '../ports.ts';
import type { RecordKey } from '../row.ts';
import { classifyEdge, type ClassifiedEdge } from './classify-edge.ts';
import { endsOf, graphTablesOf, layerOfBody, type GraphTables } from './graph-tables.ts';
import { makeLookAtBoth, makeLookAtFlat, type LookAt, type Looked } from './look-at.ts';
import { emptyShare, emptySurvey, withPage, type GraphSurvey, type PageShare } from './survey.ts';

export interface WalkOptions {
  /** Which side is looked at: flat alone, or both and whether they agree. */
  readonly sides: 'flat' | 'both';
  readonly parts: 'graph' | 'edges';
}

export type WalkAnswer =
  | { readonly done: false; readonly cursor: string; readonly survey: GraphSurvey }
  | { readonly done: true; readonly survey: GraphSurvey };

/** Called with every edge of a page as it was classified. */
export type OnEdges = (edges: readonly { key: RecordKey; edge: ClassifiedEdge }[]) => Promise<void>;

interface Position {
  /** Index of the table that is walked: the neurons' first, then the connections. */
  readonly table: number;
  readonly after: string | null;
  readonly survey: GraphSurvey;
}

/** Rows of one page; a page of edges brings at most twice as many neurons with it. */
const pageRows = 300;
const pagesAtOnce = 8;

/**
 * Walks over the graph in key order, some pages at a time, until `deadlineMs`, and continues from the cursor. What it
 * knows between two pages has a constant size.
 */
export function makeWalkGraph(
  deps: JudgeKeysDeps,
): (
  options: WalkOptions,
  cursor: string | null,
  deadlineMs: number,
  onEdges?: OnEdges,
) => Promise<WalkAnswer> {
  const graph = graphTablesOf(deps.definition);
  return async (options, cursor, deadlineMs, onEdges) => {
    const walked = tablesOfWalk(graph, options);
    const lookAt = options.sides === 'both' ? makeLookAtBoth(deps, graph.category) : makeLookAtFlat(deps);
    let position: Position =
      cursor === null ? await firstPosition(deps.source, graph, options) : (JSON.parse(cursor) as Position);
    while (walked[position.table] !== undefined) {
      const stretch = await readStretch(deps.source, walked, position);
      const seen = await mapBounded(stretch, pagesAtOnce, async ({ recordType, page, next }) => {
        const isOfEdges = recordType === graph.connections?.recordType;
        const found = isOfEdges
          ? await seenOfEdges({ deps, graph, lookAt }, page)
          : await seenOfNeurons(lookAt, page);
        return { ...found, next, lowWatermark: page.lowWatermark };
      });
      for (const { share, edges, next, lowWatermark } of seen) {
        if (edges.length > 0) await onEdges?.(edges);
        position = { ...next, survey: withPage(position.survey, share, lowWatermark) };
      }
      if (deps.clock.nowMs() >= deadlineMs && walked[position.table] !== undefined) {
        return { done: false, cursor: JSON.stringify(position), survey: position.survey };
      }
    }
    return { done: true, survey: position.survey };
  };
}

interface ReadPage {
  readonly recordType: string;
  readonly page: RangePage;
  /** Where the walk goes on behind it. */
  readonly next: Pick<Position, 'table' | 'after'>;
}

/** The next few pages; to look at them takes much longer than to read them, while changes on their way are waited for. */
async function readStretch(
  source: FlatSource,
  walked: readonly string[],
  from: Pick<Position, 'table' | 'after'>,
): Promise<readonly ReadPage[]> {
  const stretch: ReadPage[] = [];
  let { table, after } = from;
  while (stretch.length < pagesAtOnce) {
    const recordType = walked[table];
    if (recordType === undefined) break;
    const range = { after: after === null ? null : decodeKey(after), upTo: null };
    const page = await source.readRange(recordType, range, pageRows);
    table += page.nextAfter === null ? 1 : 0;
    after = page.nextAfter === null ? null : encodeKey(page.nextAfter);
    stretch.push({ recordType, page, next: { table, after } });
  }
  return stretch;
}

function tablesOfWalk({ neurons, connections }: GraphTables, { parts }: WalkOptions): readonly string[] {
  const edges = connections === null ? [] : [connections.recordType];
  return parts === 'edges' ? edges : [...neurons.map(({ recordType }) => recordType), ...edges];
}

async function firstPosition(
  source: FlatSource,
  graph: GraphTables,
  { parts }: WalkOptions,
): Promise<Position> {
  let neurons = 0;
  for (const { recordType } of parts === 'edges' ? [] : graph.neurons) {
    neurons += await source.countRows(recordType);
  }
  const edges = graph.connections === null ? 0 : await source.countRows(graph.connections.recordType);
  return { table: 0, after: null, survey: emptySurvey({ neurons, edges }) };
}

type SeenEdges = Parameters<OnEdges>[0];

async function seenOfNeurons(
  lookAt: LookAt,
  page: RangePage,
): Promise<{ share: PageShare; edges: SeenEdges }> {
  const share = emptyShare();
  for (const looked of await lookAt(page)) {
    share.looked.neurons += 1;
    addNeuron(share, looked);
  }
  return { share, edges: [] };
}

function addNeuron(share: PageShare, looked: Looked): void {
  const { verdict, body, key } = looked;
  if (verdict === 'absent' || verdict === 'tombstoned') return;
  const layer = layerOfBody(body);
  if (verdict === 'quarantined' || layer === null) {
    share.quarantinedNeurons += 1;
    return;
  }
  if (verdict === 'verified') {
    share.layers[layer].neurons.push(contentHash(looked));
    return;
  }
  share.layers[layer].faults += 1;
  share.findings.push({ fault: `neuron-${verdict}`, pk: recordPk(key), layer });
}

interface EdgeContext {
  readonly deps: JudgeKeysDeps;
  readonly graph: GraphTables;
  readonly lookAt: LookAt;
}

async function seenOfEdges(
  context: EdgeContext,
  page: RangePage,
): Promise<{ share: PageShare; edges: SeenEdges }> {
  const share = emptyShare();
  const edges = await classifiedEdges(context, await context.lookAt(page));
  for (const { looked, edge } of edges) {
    share.looked.edges += 1;
    addEdge(share, looked, edge);
  }
  return { share, edges: edges.map(({ looked: { key }, edge }) => ({ key, edge })) };
}

async function classifiedEdges(
  { deps, graph, lookAt }: EdgeContext,
  seen: readonly Looked[],
): Promise<readonly { looked: Looked; edge: ClassifiedEdge }[]> {
  const present = seen.filter(({ row }) => row !== null);
  const named = present.map((looked) => {
    const [source = '', target = ''] = [looked.row?.['source'], looked.row?.['target']].map(String);
    return { looked, source, target, ends: endsOf(graph, source, target) };
  });
  const keys = new Map(
    named.flatMap(({ ends }) => [ends.source, ends.target]).map((key) => [recordPk(key), key]),
  );
  const snapshot = await deps.source.readCurrent(graph.category, [...keys.values()]);
  const neurons = new Map((await lookAt(snapshot)).map((looked) => [recordPk(looked.key), looked]));
  return named.map(({ looked, source, target, ends }) => ({
    looked,
    edge: classifyEdge(
      looked,
      {
        name: source,
        looked: neurons.get(recordPk(ends.source)),
        unitId: looked.body?.['source_id'],
      },
      {
        name: target,
        looked: neurons.get(recordPk(ends.target)),
        unitId: looked.body?.['target_id'],
      },
    ),
  }));
}

function addEdge(share: PageShare, looked: Looked, { kind, layer }: ClassifiedEdge): void {
  share.edgeKinds[kind] += 1;
  if (kind === 'verified' && layer !== null) {
    share.layers[layer].edges.push(contentHash(looked));
    return;
  }
  if (kind !== 'remote') share.findings.push({ fault: `edge-${kind}`, pk: recordPk(looked.key), layer });
  if (layer === null) return;
  if (kind === 'unverified') share.layers[layer].faults += 1;
  else share.layers[layer].withheldEdges += 1;
}

function contentHash({ key, body }: Looked): Buffer {
  return sha256Bytes(`${recordPk(key)} ${canonicalJson(body)}`);
}
