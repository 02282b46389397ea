import * as z from 'zod/mini';

import {
  nameSetting,
  parseEnvironment,
  secondsSetting,
  sourceSetting,
} from '../../lib/config/environment.ts';

const schema = z.object({
  SOURCE: sourceSetting,
  STATE_TABLE: nameSetting,
  PROGRESS_TABLE: nameSetting,
  QUARANTINE_TABLE: nameSetting,
  TIME_BUDGET_SECONDS: secondsSetting,
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
