import * as z from 'zod/mini';

import { controlSettings, type ControlEnvironment } from '../lib/config/control-environment.ts';

const schema = z.object(controlSettings);

/** The environment of a function of the control plane, as the deployment reports it. */
export function parseControl(environment: Readonly<Record<string, string>>): ControlEnvironment {
  return schema.parse(environment);
}
