import * as z from 'zod/mini';

import { nameSetting, parseEnvironment, sourceSetting } from '../../lib/config/environment.ts';

const schema = z.object({
  SOURCE: sourceSetting,
  STATE_TABLE: nameSetting,
  AUTHORITY_TABLE: nameSetting,
  PROGRESS_TABLE: nameSetting,
  REVERSE_PENDING_TABLE: nameSetting,
  EDITIONS_TABLE: nameSetting,
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
