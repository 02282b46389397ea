import * as z from 'zod/mini';

import { nameSetting, parseEnvironment } from '../../lib/config/environment.ts';

const schema = z.object({
  APPCONFIG_APPLICATION: nameSetting,
  APPCONFIG_ENVIRONMENT: nameSetting,
  APPCONFIG_PROFILE: nameSetting,
  ROUTE_STORE_ARN: nameSetting,
  METRIC_NAMESPACE: nameSetting,
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
