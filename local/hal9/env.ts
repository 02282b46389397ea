import * as z from 'zod/mini';

import { nameSetting, parseEnvironment, sourceSetting } from '../../lib/config/environment.ts';
import { plantedBugs } from './planted-bug.ts';

const portSetting = z.optional(
  z.pipe(z.string().check(z.regex(/^\d{1,5}$/, 'a port number')), z.transform(Number)),
);

const schema = z.object({
  SOURCE: sourceSetting,
  STATE_TABLE: nameSetting,
  AUTHORITY_TABLE: nameSetting,
  REVERSE_PENDING_TABLE: nameSetting,
  /** Bodies that no item holds are not served when absent. */
  BODY_BUCKET: z.optional(nameSetting),
  /** Set where an engine stands in for S3. */
  AWS_ENDPOINT_URL_S3: z.optional(z.string()),
  /** No editions are served when absent. */
  EDITIONS_TABLE: z.optional(nameSetting),
  /** A free port each when absent. */
  FLAT_PORT: portSetting,
  HIERARCHICAL_PORT: portSetting,
  ADMIN_PORT: portSetting,
  /** How long a request waits for a switch of authority to finish; 5,000 when absent. */
  MAX_WAIT_MS: z.optional(
    z.pipe(z.string().check(z.regex(/^\d{1,6}$/, 'a number of milliseconds')), z.transform(Number)),
  ),
  /** A bug that users shall meet, to see that the check of their history finds it. */
  HAL9_DEMO_PLANT: z.optional(z.enum(plantedBugs)),
});

export type Hal9Env = z.infer<typeof schema>;

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): Hal9Env {
  return parseEnvironment(schema, source);
}
