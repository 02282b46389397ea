import { buildSync } from 'esbuild';
import { createRequire } from 'node:module';
import { createContext, runInContext } from 'node:vm';

import { bundleAssignCohort } from '../../cdk/bundle-edge.ts';

interface Value {
  value: string;
}

export interface ViewerEvent {
  context: { requestId: string };
  request: { headers: Record<string, Value>; cookies: Record<string, Value> };
}

export interface ViewerRuntime {
  /** Answer of the key-value store; an error is thrown. */
  readonly routes: () => string;
  /** What `cf.logCustomData` was given; left out, the runtime does not have it. */
  readonly log?: string[];
}

/**
 * The viewer function as it is deployed, in a context that has the language's own objects and no others: neither
 * TextEncoder nor Buffer, timers or process.
 */
export function loadAssignCohort(
  runtime: ViewerRuntime,
): (event: ViewerEvent) => Promise<ViewerEvent['request']> {
  const cloudfront = {
    kvs: () => ({ get: async () => runtime.routes() }),
    ...(runtime.log === undefined ? {} : { logCustomData: (text: string) => runtime.log?.push(text) }),
  };
  const code = bundleAssignCohort().replace(/import (\w+) ?from ?"cloudfront";/, 'var $1=cloudfront;');
  return runInContext(`${code};handler`, createContext({ cloudfront })) as ReturnType<
    typeof loadAssignCohort
  >;
}

export interface EdgeConfig {
  readonly appConfig: object;
  readonly origins: object;
}

/** The origin-request function as a fresh sandbox would load it: own module state, the real SDK from outside. */
export function loadRouteRequest(config: EdgeConfig): (event: unknown) => Promise<{
  headers: Record<string, { value: string }[]>;
  origin: { custom: { domainName: string; port: number } };
}> {
  const built = buildSync({
    entryPoints: ['functions/route-request/main.ts'],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node22',
    minify: true,
    external: ['@aws-sdk/*'],
    define: { HAL9_EDGE_CONFIG: JSON.stringify(config) },
  });
  const module = { exports: {} as { handler: ReturnType<typeof loadRouteRequest> } };
  // oxlint-disable-next-line typescript/no-implied-eval -- loads our own bundle as Lambda does
  const load = new Function('module', 'exports', 'require', built.outputFiles[0]!.text) as (
    ...scope: readonly unknown[]
  ) => void;
  load(module, module.exports, createRequire(import.meta.url));
  return module.exports.handler;
}
