import * as z from 'zod/mini';

import type { StepEvent } from './change-run.ts';

const stepEvent = z.object({
  runId: z.string().check(z.minLength(1)),
  routingEpoch: z.int().check(z.gte(0)),
  execution: z.int().check(z.gte(1)),
  stepIndex: z.int().check(z.gte(0)),
  phase: z.string(),
});

/** Reads what the workflow hands on; further fields (the answer before) are dropped. Throws a ZodError. */
export function parseStepEvent(event: unknown): StepEvent {
  return stepEvent.parse(event);
}
