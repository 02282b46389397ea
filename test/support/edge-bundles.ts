import { build } from 'esbuild';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createContext, runInContext } from 'node:vm';

import { bundleAssignCohort } from '../../cdk/bundle-edge.ts';
import { projectRoot } from '../../cdk/project-root.ts';

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

type OriginHandler = (event: unknown) => Promise<{
  headers: Record<string, { value: string }[]>;
  origin: { custom: { domainName: string; port: number } };
}>;

/** Beside the SDK, which the bundle imports by name. */
const bundleDirectory = join(projectRoot, 'node_modules', '.edge-bundles');

/** The origin-request function as a fresh sandbox would load it: own module state, the real SDK from outside. */
export async function loadRouteRequest(config: EdgeConfig): Promise<OriginHandler> {
  const outfile = join(bundleDirectory, `${randomUUID()}.mjs`);
  await build({
    entryPoints: [join(projectRoot, 'functions/route-request/main.ts')],
    bundle: true,
    outfile,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify: true,
    external: ['@aws-sdk/*'],
    define: { HAL9_EDGE_CONFIG: JSON.stringify(config) },
  });
  try {
    return ((await import(pathToFileURL(outfile).href)) as { handler: OriginHandler }).handler;
  } finally {
    rmSync(outfile);
  }
}
