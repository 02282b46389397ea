import * as z from 'zod/mini';

import { nameSetting } from './environment.ts';

/** What the functions of the control plane are told; one schema, since they share one set of stores. */
export const controlSettings = {
  CONTROL_TABLE: nameSetting,
  APPCONFIG_APPLICATION: nameSetting,
  APPCONFIG_ENVIRONMENT: nameSetting,
  APPCONFIG_PROFILE: nameSetting,
  APPCONFIG_STRATEGY: nameSetting,
  ROUTE_STORE_ARN: nameSetting,
  METRIC_NAMESPACE: nameSetting,
  FUNCTION_PREFIX: nameSetting,
};

const controlEnvironment = z.object(controlSettings);

export type ControlEnvironment = z.infer<typeof controlEnvironment>;

/** A whole number as text. */
export const countSetting = z.pipe(
  z.string().check(z.regex(/^\d{1,9}$/, 'a whole number')),
  z.transform(Number),
);
