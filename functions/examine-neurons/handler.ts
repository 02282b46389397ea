import * as z from 'zod/mini';

import { makeCheckConnections } from '../../lib/migration/neurons/check-connections.ts';
import type { ExamineNeuronsAnswer } from '../../lib/migration/neurons/examine-answer.ts';
import { groupings, makeGroupNeurons } from '../../lib/migration/neurons/group-neurons.ts';
import type { SetAsideDeps } from '../../lib/migration/neurons/set-aside-orphans.ts';
import { makeTestSignals } from '../../lib/migration/neurons/test-signals.ts';
import { makeVerifyLayers, type VerifyLayersDeps } from '../../lib/migration/neurons/verify-layers.ts';
import { layers } from '../../lib/migration/transforms/assign-layer.ts';

export interface ExamineNeuronsDeps extends VerifyLayersDeps, SetAsideDeps {
  /** One invocation works for this long, then answers with a cursor. */
  readonly timeBudgetMs: number;
}

const cursor = z.optional(z.nullable(z.string()));

const requestSchema = z.discriminatedUnion('action', [
  z.object({ action: z.literal('group'), by: z.enum(groupings), cursor }),
  z.object({
    action: z.literal('verify'),
    layers: z.array(z.enum(layers)),
    publish: z.boolean(),
    cursor,
  }),
  z.object({
    action: z.literal('connections'),
    deep: z.boolean(),
    fixId: z.nullable(z.string().check(z.regex(/^[a-z0-9-]{1,60}$/))),
    cursor,
  }),
  z.object({ action: z.literal('signals'), samples: z.int().check(z.minimum(1), z.maximum(10_000)), cursor }),
]);

/** Looks at the graph of neurons: groups it, verifies and publishes its layers, mends its edges, sends signals over it. */
export function makeHandler(deps: ExamineNeuronsDeps): (event: unknown) => Promise<ExamineNeuronsAnswer> {
  return (event) => {
    const request = requestSchema.parse(event);
    const from = request.cursor ?? null;
    const deadlineMs = deps.clock.nowMs() + deps.timeBudgetMs;
    if (request.action === 'group') return makeGroupNeurons(deps)(request.by, from, deadlineMs);
    if (request.action === 'verify') return makeVerifyLayers(deps)(request, from, deadlineMs);
    if (request.action === 'connections') return makeCheckConnections(deps)(request, from, deadlineMs);
    return makeTestSignals(deps)(request.samples, from, deadlineMs);
  };
}
