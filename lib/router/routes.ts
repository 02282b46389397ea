/**
 * What an edge needs to decide: the flags document boiled down to a text of less than 100 bytes, since a value of
 * the KeyValueStore holds 1,024 characters and is parsed for every request.
 *
 * This file runs in CloudFront Functions: no destructuring, spread, optional chaining, classes, `for-of` or zod.
 */
export interface Routes {
  /** Raised by every rollback. */
  readonly routingEpoch: number;
  /** AppConfig version that the routes come from; 0 when it is not known. */
  readonly version: number;
  readonly killSwitch: boolean;
  readonly hierarchicalEnabled: boolean;
  /** Share of subjects that go to the hierarchical system, in thousandths of a percent. */
  readonly trafficThousandths: number;
}

/** The part of the flags document that decides about traffic. */
type RoutingFlags = Omit<Routes, 'version'>;

/** Key of the routes in the KeyValueStore. */
export const routesKey = 'routes';

export function compileRoutes(flags: RoutingFlags, version: number): Routes {
  return {
    routingEpoch: flags.routingEpoch,
    version: version,
    killSwitch: flags.killSwitch,
    hierarchicalEnabled: flags.hierarchicalEnabled,
    trafficThousandths: flags.trafficThousandths,
  };
}

/** The compact text of the routes; `parseRoutes` reads it back. */
export function formatRoutes(routes: Routes): string {
  return JSON.stringify({
    f: 1,
    e: routes.routingEpoch,
    v: routes.version,
    k: routes.killSwitch ? 1 : 0,
    h: routes.hierarchicalEnabled ? 1 : 0,
    t: routes.trafficThousandths,
  });
}

/** Total: whatever is not exactly a text that `formatRoutes` writes is null. */
export function parseRoutes(text: unknown): Routes | null {
  const value = parseObject(text);
  if (value === null || value['f'] !== 1) return null;
  const isSound =
    isCount(value['e'], Number.MAX_SAFE_INTEGER) &&
    isCount(value['v'], Number.MAX_SAFE_INTEGER) &&
    isCount(value['k'], 1) &&
    isCount(value['h'], 1) &&
    isCount(value['t'], 100000);
  if (!isSound) return null;
  return {
    routingEpoch: value['e'] as number,
    version: value['v'] as number,
    killSwitch: value['k'] === 1,
    hierarchicalEnabled: value['h'] === 1,
    trafficThousandths: value['t'] as number,
  };
}

/**
 * Routes straight from the text of a deployed flags document, for the edge, which has no room for the full
 * schema. Total: null when the text is no flags document as far as routing is concerned.
 */
export function routesFromFlags(text: unknown): Routes | null {
  const value = parseObject(text);
  if (value === null || value['schemaVersion'] !== 1) return null;
  const isSound =
    isCount(value['routingEpoch'], Number.MAX_SAFE_INTEGER) &&
    isCount(value['trafficThousandths'], 100000) &&
    typeof value['killSwitch'] === 'boolean' &&
    typeof value['hierarchicalEnabled'] === 'boolean';
  return isSound ? compileRoutes(value as unknown as RoutingFlags, 0) : null;
}

function parseObject(text: unknown): Record<string, unknown> | null {
  if (typeof text !== 'string') return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isCount(value: unknown, most: number): boolean {
  return typeof value === 'number' && Math.floor(value) === value && value >= 0 && value <= most;
}
