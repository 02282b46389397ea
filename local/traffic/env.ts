import * as z from 'zod/mini';

import { parseEnvironment, sourceSetting } from '../../lib/config/environment.ts';
import type { SourceConfig } from '../../lib/config/source-config.ts';
import type { TrafficOptions } from './traffic-control.ts';
import { trafficOptionsVariable } from './traffic-messages.ts';

const optionsSchema = z.strictObject({
  edgeUrl: z.url(),
  source: sourceSetting,
  historyPath: z.string().check(z.minLength(1)),
  rate: z.number().check(z.positive(), z.lte(10_000)),
  users: z.int().check(z.gte(1), z.lte(100_000)),
  seed: z.int(),
  timeoutMs: z.number().check(z.positive()),
});

const schema = z.object({
  [trafficOptionsVariable]: z.pipe(
    z.pipe(
      z.string().check(z.refine(isJson, 'not JSON')),
      z.transform((text) => JSON.parse(text) as unknown),
    ),
    optionsSchema,
  ),
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(
  source: Readonly<Record<string, string | undefined>>,
): Omit<TrafficOptions, 'source'> & { readonly source: SourceConfig } {
  return parseEnvironment(schema, source)[trafficOptionsVariable];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
