import * as z from 'zod/mini';

import { nameSetting, parseEnvironment } from '../../lib/config/environment.ts';

const originSetting = z.string().check(
  z.refine((text) => {
    const url = URL.parse(text);
    return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.pathname === '/';
  }, 'an http or https URL without a path'),
);

const schema = z.object({
  SHADOW_TABLE: nameSetting,
  FLAT_ORIGIN_URL: originSetting,
  HIERARCHICAL_ORIGIN_URL: originSetting,
  METRIC_NAMESPACE: nameSetting,
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
