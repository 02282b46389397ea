import * as z from 'zod/mini';

import { nameSetting, parseEnvironment } from '../../lib/config/environment.ts';

const schema = z.object({
  METRIC_NAMESPACE: nameSetting,
  SHADOW_QUEUE_URL: nameSetting,
  APPCONFIG_APPLICATION: nameSetting,
  APPCONFIG_ENVIRONMENT: nameSetting,
  APPCONFIG_PROFILE: nameSetting,
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
