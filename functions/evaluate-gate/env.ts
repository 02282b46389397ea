import * as z from 'zod/mini';

import { controlSettings, countSetting } from '../../lib/config/control-environment.ts';
import { parseEnvironment } from '../../lib/config/environment.ts';

const schema = z.object({
  ...controlSettings,
  /** Requests between the switches of two categories, when there is traffic; 20 when left out. */
  MIN_REQUESTS_BETWEEN_SWITCHES: z.optional(countSetting),
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
