import * as z from 'zod/mini';

import {
  accessOperations,
  makeMeasureAccess,
  type AccessMeasure,
  type MeasureAccessDeps,
} from '../../lib/migration/benchmark/measure-access.ts';

/** Samples of one call: it has to end within one invocation. */
const mostSamples = 200;

const requestSchema = z.object({
  category: z.string(),
  operations: z.array(z.enum(accessOperations)),
  samples: z.int().check(z.gte(1), z.lte(mostSamples)),
});

/** Times reads and writes of single records on both sides; changes the content of none. */
export function makeHandler(
  deps: MeasureAccessDeps,
): (event: unknown) => Promise<{ readonly measures: readonly AccessMeasure[] }> {
  const measureAccess = makeMeasureAccess(deps);
  return async (event) => ({ measures: await measureAccess(requestSchema.parse(event)) });
}
