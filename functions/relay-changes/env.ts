import * as z from 'zod/mini';

import {
  nameSetting,
  parseEnvironment,
  secondsSetting,
  sourceSetting,
} from '../../lib/config/environment.ts';

const schema = z.object({
  SOURCE: sourceSetting,
  PROGRESS_TABLE: nameSetting,
  CHANGE_QUEUE_URL: nameSetting,
  LOOP_SECONDS: secondsSetting,
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
