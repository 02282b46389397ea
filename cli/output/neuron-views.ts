import type { NeuronGroups } from '../../lib/migration/neurons/group-neurons.ts';
import { isPublished, type PublishedLayers } from '../../lib/migration/neurons/layer-manifest.ts';
import type { GraphSurvey } from '../../lib/migration/neurons/survey.ts';
import type { SignalDifference } from '../../lib/migration/neurons/trace-signals.ts';
import type { Layer } from '../../lib/migration/transforms/assign-layer.ts';
import { count, duration } from './quantities.ts';
import { renderTable } from './table.ts';

/** "1,200 of 5,000 neurons, 800/s, about 5s left". */
export function rateLine(what: string, looked: number, total: number, elapsedMs: number): string {
  const perSecond = looked / Math.max(0.001, elapsedMs / 1000);
  const left =
    perSecond > 0 ? `, about ${duration((Math.max(0, total - looked) / perSecond) * 1000)} left` : '';
  return `${count(looked)} of ${count(total)} ${what}, ${count(perSecond)}/s${left}`;
}

export function layerTable(
  survey: GraphSurvey,
  wanted: readonly Layer[],
  published: PublishedLayers,
): string {
  return renderTable(
    wanted.map((layer) => ({ layer, ...survey.layers[layer] })),
    [
      { title: 'layer', value: ({ layer }) => layer },
      { title: 'neurons', align: 'right', value: ({ neurons }) => count(neurons.count) },
      { title: 'edges', align: 'right', value: ({ edges }) => count(edges.count) },
      { title: 'withheld', align: 'right', value: ({ withheldEdges }) => count(withheldEdges) },
      { title: 'faults', align: 'right', value: ({ faults }) => count(faults) },
      { title: 'published', value: ({ layer }) => (isPublished(published, layer) ? 'yes' : 'no') },
    ],
  );
}

const edgeTexts: Readonly<Record<keyof GraphSurvey['edgeKinds'], string>> = {
  verified: 'have both their ends',
  remote: 'lead to neurons of other servers',
  orphaned: 'lack an end that should be here',
  withheld: 'have an end in quarantine, or are there themselves',
  misnamed: 'name a unit by another identity than it has',
  unverified: 'differ between the systems, with an end or by themselves',
};

export function edgeLines({ edgeKinds }: GraphSurvey): readonly string[] {
  return (Object.keys(edgeTexts) as (keyof typeof edgeTexts)[])
    .filter((kind) => kind === 'verified' || edgeKinds[kind] > 0)
    .map((kind) => `${count(edgeKinds[kind]).padStart(9)}  ${edgeTexts[kind]}`);
}

export function findingLines({ findings }: GraphSurvey, most: number): readonly string[] {
  return findings
    .slice(0, most)
    .map(({ fault, pk, layer }) => `  ${fault}  ${pk}${layer === null ? '' : ` (${layer})`}`);
}

export function groupTable({ groups, total }: NeuronGroups): string {
  return renderTable(groups, [
    { title: 'group', value: ({ name }) => name },
    { title: 'neurons', align: 'right', value: (group) => count(group.count) },
    {
      title: 'share',
      align: 'right',
      value: (group) => `${((group.count / Math.max(1, total)) * 100).toFixed(2)} %`,
    },
  ]);
}

export function differenceLines(differences: readonly SignalDifference[], most: number): readonly string[] {
  return differences.slice(0, most).flatMap(({ start, flat, hierarchical }) => {
    const at = flat.findIndex((hop, index) => JSON.stringify(hop) !== JSON.stringify(hierarchical[index]));
    const from = at < 0 ? flat.length : at;
    return [
      `  ${start}: the same for ${count(from)} hops, then`,
      `    flat          ${hopText(flat[from])}`,
      `    hierarchical  ${hopText(hierarchical[from])}`,
    ];
  });
}

function hopText(hop: SignalDifference['flat'][number] | undefined): string {
  return hop === undefined ? 'ends' : `${hop.to} over ${hop.edge}, weight ${hop.weight}`;
}
