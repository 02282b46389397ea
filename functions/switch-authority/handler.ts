import * as z from 'zod/mini';

import type { MetricSink } from '../../lib/kernel/metric-sink.ts';
import { makeSwitchAuthority, type SwitchResult } from '../../lib/migration/switch-authority.ts';
import type { SwitchAuthorityDeps } from '../../lib/migration/switching/deps.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { metricNames } from '../../lib/monitoring/metric-names.ts';

export interface SwitchAuthorityHandlerDeps extends SwitchAuthorityDeps {
  /** Told how long writers waited at each switch. */
  readonly metrics?: MetricSink;
  onFailure?(what: string, error: unknown): void;
}

/** Moves the authority of one category, or gives up a switch that has not opened the new side yet. */
export function makeHandler(deps: SwitchAuthorityHandlerDeps): (event: unknown) => Promise<SwitchResult> {
  const requestSchema = z.object({
    category: z.enum(categoriesOf(deps.definition)),
    to: z.enum(['flat', 'hierarchical']),
    action: z.optional(z.enum(['switch', 'abort'])),
    requestedBy: z.string().check(z.minLength(1)),
  });
  const switchAuthority = makeSwitchAuthority(deps);
  return async (event) => {
    const { action, ...request } = requestSchema.parse(event);
    if (action === 'abort') return await switchAuthority.abort(request.category);
    const result = await switchAuthority.switchTo(request);
    if (result.kind === 'switched') await putStall(deps, result.record.stallMs);
    return result;
  };
}

/** The switch is done: a metric that cannot be put must not make it look undone. */
async function putStall(deps: SwitchAuthorityHandlerDeps, stallMs: number | undefined): Promise<void> {
  const { metrics, clock } = deps;
  if (metrics === undefined || stallMs === undefined) return;
  const metric = {
    name: metricNames.writerStall,
    unit: 'Milliseconds',
    values: [stallMs],
    counts: [1],
  } as const;
  await metrics
    .put([{ ...metric, atMs: clock.nowMs() }])
    .catch((error: unknown) => deps.onFailure?.('writer stall metric', error));
}
