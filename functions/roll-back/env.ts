import * as z from 'zod/mini';

import { controlSettings } from '../../lib/config/control-environment.ts';
import { parseEnvironment } from '../../lib/config/environment.ts';

const schema = z.object(controlSettings);

/** Throws `EnvironmentInvalid` with every fault. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): z.infer<typeof schema> {
  return parseEnvironment(schema, source);
}
