import * as z from 'zod/mini';

import { nameSetting, parseEnvironment, secondsSetting } from '../../lib/config/environment.ts';

const schema = z.object({
  STATE_TABLE: nameSetting,
  PROGRESS_TABLE: nameSetting,
  CONTROL_TABLE: nameSetting,
  BODY_BUCKET: nameSetting,
  TIME_BUDGET_SECONDS: secondsSetting,
  /** Set where an engine stands in for S3. */
  AWS_ENDPOINT_URL_S3: z.optional(z.string()),
});

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
