import { HalError } from '../kernel/errors.ts';
import { nearestName } from '../kernel/nearest-name.ts';

/**
 * A flag that operators may name. Most are switches that the systems read for themselves; two of them are other
 * words for a field of the flags document, and `controls` says which.
 */
export interface Feature {
  readonly name: string;
  readonly group: 'migration' | 'capability' | 'safety';
  readonly summary: string;
  readonly aliases: readonly string[];
  readonly controls: 'routing' | 'shadow' | 'itself';
}

function feature(
  name: string,
  group: Feature['group'],
  summary: string,
  more: Partial<Pick<Feature, 'aliases' | 'controls'>> = {},
): Feature {
  return { name, group, summary, aliases: more.aliases ?? [], controls: more.controls ?? 'itself' };
}

export const features: readonly Feature[] = [
  feature('hierarchical_routing', 'migration', 'Requests may go to the hierarchical system at all.', {
    aliases: ['hierarchical_enabled'],
    controls: 'routing',
  }),
  feature('shadow_mode', 'safety', 'A sample of safe requests is replayed to both systems and compared.', {
    aliases: ['shadow_mode_enabled'],
    controls: 'shadow',
  }),
  feature('comparison_traffic', 'safety', 'Synthetic requests that only serve to compare both systems.'),
  feature('state_migration', 'migration', 'State is copied to the hierarchical system.'),
  feature(
    'dual_write',
    'migration',
    'The change log feeds the hierarchical state while flat is the authority.',
  ),
  feature('cognitive_layers', 'capability', 'Cognitive layer of the hierarchical system.', {
    aliases: ['cognitive_layer_enabled'],
  }),
  feature('protocol_layer', 'capability', 'Protocol layer of the hierarchical system.', {
    aliases: ['protocol_layer_enabled'],
  }),
  feature('substrate_layer', 'capability', 'Substrate layer of the hierarchical system.', {
    aliases: ['substrate_layer_enabled'],
  }),
  feature('intelligence_layer', 'capability', 'Intelligence layer of the hierarchical system.', {
    aliases: ['intelligence_layer_enabled'],
  }),
  feature('hierarchical_neurons', 'capability', 'Neurons run as units of the hierarchy.'),
  feature('substrate_abstraction', 'capability', 'Neurons reach the substrate through its abstraction.'),
  feature('protocol_negotiation', 'capability', 'Units negotiate the protocol that they speak.'),
  feature('meta_learning', 'capability', 'Units learn how to learn.'),
  feature('meta_cognition', 'capability', 'Units observe their own decisions.'),
  feature('self_organization', 'capability', 'The hierarchy rearranges itself.'),
  feature('hierarchical_learning', 'capability', 'Learning passes through the layers of the hierarchy.'),
];

const byName = new Map<string, Feature>();
for (const entry of features) for (const name of [entry.name, ...entry.aliases]) byName.set(name, entry);

/** Finds a feature by its name or an alias; dashes count as underscores. Throws a HalError `UnknownFlag`. */
export function findFeature(given: string): Feature {
  const found = byName.get(given.trim().toLowerCase().replaceAll('-', '_'));
  if (found !== undefined) return found;
  const suggestion = nearestName(given, byName.keys());
  const hint = suggestion === null ? '' : ` Did you mean "${suggestion}"?`;
  throw new HalError({
    name: 'UnknownFlag',
    message: `There is no flag "${given}".${hint}`,
    remedy: 'See all flags with: hal9-migrate feature list',
    exit: 'usage',
    facts: { given, suggestion },
  });
}
