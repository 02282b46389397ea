/** Architectural layers, bottom up. */
const layers = ['substrate', 'protocol', 'cognitive', 'orchestration', 'intelligence'] as const;

export type Layer = (typeof layers)[number];

const layerOfRole: ReadonlyMap<string, Layer> = new Map([
  ...rolesOf('substrate', ['transport', 'storage', 'runtime', 'resource', 'io']),
  ...rolesOf('protocol', ['router', 'codec', 'gateway', 'negotiator', 'protocol', 'consensus', 'stream']),
  ...rolesOf('orchestration', ['scheduler', 'balancer', 'topology', 'orchestrator', 'coordinator-group']),
  ...rolesOf('intelligence', ['meta', 'learner', 'evaluator', 'goal']),
]);

/** The layer of a unit by its role; a unit without a role of another layer thinks. */
export function assignLayer(role: string | null): Layer {
  return layerOfRole.get((role ?? '').trim().toLowerCase()) ?? 'cognitive';
}

function rolesOf(layer: Layer, roles: readonly string[]): [string, Layer][] {
  return roles.map((role) => [role, layer]);
}
