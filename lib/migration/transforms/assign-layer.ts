/** Architectural layers, bottom up. */
export const layers = ['substrate', 'protocol', 'cognitive', 'orchestration', 'intelligence'] as const;

export type Layer = (typeof layers)[number];

const layerOfRole: ReadonlyMap<string, Layer> = new Map([
  ...rolesOf('substrate', ['transport', 'storage', 'runtime', 'resource', 'io']),
  ...rolesOf('protocol', ['router', 'codec', 'gateway', 'negotiator', 'protocol', 'consensus', 'stream']),
  ...rolesOf('orchestration', ['scheduler', 'balancer', 'topology', 'orchestrator', 'coordinator-group']),
  ...rolesOf('intelligence', ['meta', 'learner', 'evaluator', 'goal']),
]);

/** Layers of units whose flat layer says where they belong: only the upper two leave the cognitive layer. */
const layerOfDeclared: ReadonlyMap<string, Layer> = new Map([
  ['L4', 'orchestration'],
  ['L5', 'intelligence'],
]);

/** How a unit comes to its layer: by its role, or by the layer that the flat system declared for it. */
export type LayerPolicy = 'role-table' | 'legacy-adapter';

/** Place from the bottom, 0 to 4. */
export function layerRank(layer: Layer): number {
  return layers.indexOf(layer);
}

export function isLayer(value: unknown): value is Layer {
  return layers.some((layer) => layer === value);
}

/** The layer of a unit by its role; a unit without a role of another layer thinks. */
export function assignLayer(
  role: string | null,
  policy: LayerPolicy = 'role-table',
  declaredLayer: string | null = null,
): Layer {
  if (policy === 'role-table') return layerOfRole.get((role ?? '').trim().toLowerCase()) ?? 'cognitive';
  return layerOfDeclared.get((declaredLayer ?? '').trim().slice(0, 2).toUpperCase()) ?? 'cognitive';
}

function rolesOf(layer: Layer, roles: readonly string[]): [string, Layer][] {
  return roles.map((role) => [role, layer]);
}
