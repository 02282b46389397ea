import * as z from 'zod/mini';

import { nameSetting, parseEnvironment } from '../../lib/config/environment.ts';

const origin = z.string().check(z.url('an absolute URL'));

const schema = z.object({
  FLAT_ORIGIN_URL: origin,
  HIERARCHICAL_ORIGIN_URL: origin,
  METRIC_NAMESPACE: nameSetting,
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
