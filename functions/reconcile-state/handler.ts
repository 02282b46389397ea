import * as z from 'zod/mini';

import type { AuditLog } from '../../lib/audit/ports.ts';
import type { MetricSink } from '../../lib/kernel/metric-sink.ts';
import {
  makeContinuousReconciliation,
  type ReconciliationTurns,
} from '../../lib/migration/continuous-reconciliation.ts';
import { makeReconcileKept, type KeptReconcileDeps } from '../../lib/migration/kept/reconcile-kept.ts';
import { makeReconcileState, type ReconcileAnswer } from '../../lib/migration/reconcile-state.ts';
import type { SettingsStore } from '../../lib/migration/settings.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { driftOf } from '../../lib/migration/verification-report.ts';
import { metricNames } from '../../lib/monitoring/metric-names.ts';

export interface ReconcileStateHandlerDeps extends KeptReconcileDeps {
  readonly settings: SettingsStore;
  readonly audit: AuditLog;
  readonly metrics: MetricSink;
  /** One invocation works for this long, then answers with a cursor, or leaves the rest to the next. */
  readonly loopMs: number;
}

/** Keeps both sides together: by the schedule continuously, or once when somebody asks for it. */
export function makeHandler(
  deps: ReconcileStateHandlerDeps,
): (event: unknown) => Promise<ReconcileAnswer | ReconciliationTurns> {
  const known = categoriesOf(deps.definition);
  const requestSchema = z.discriminatedUnion('action', [
    z.object({ action: z.literal('continue') }),
    z.object({
      action: z.literal('run'),
      requestedBy: z.string(),
      fix: z.boolean(),
      /** False: by kept digests, where there are any. */
      full: z.optional(z.boolean()),
      categories: z.optional(z.array(z.enum(known))),
      cursor: z.optional(z.nullable(z.string())),
    }),
  ]);
  const goOn = makeContinuousReconciliation({
    ...deps,
    onReconciled: (answer) => publish(deps, answer, 'schedule:reconcile-state'),
  });
  const reconcile = makeReconcileState(deps);
  const reconcileKept = makeReconcileKept(deps);
  return async (event) => {
    const request = requestSchema.parse(event);
    const deadlineMs = deps.clock.nowMs() + deps.loopMs;
    if (request.action === 'continue') return await goOn(deadlineMs);
    const { fix, categories = known, cursor = null, full = true } = request;
    const answer =
      (full || cursor !== null ? null : await reconcileKept({ categories, fix })) ??
      (await reconcile({ categories, cursor, fix }, deadlineMs));
    if (answer.done) await publish(deps, answer, request.requestedBy);
    return answer;
  };
}

/** Every repair is audited before anybody is told of it. */
async function publish(
  { audit, metrics, settings, clock }: ReconcileStateHandlerDeps,
  { report, fixes }: ReconcileAnswer,
  principal: string,
): Promise<void> {
  const atMs = clock.nowMs();
  if (fixes !== null) {
    const keys = report.differences.map(({ kind, category, key }) => {
      return `${kind} ${category} ${key.recordType}/${key.id}`;
    });
    await audit.append({ atMs, principal, action: 'reconcile-state', facts: { ...fixes, keys } });
  }
  const { reconciliation } = await settings.read();
  const drift = driftOf(report);
  const isDrifted = drift.differing > 0 && drift.share >= reconciliation.alertThreshold;
  const values = [
    { name: metricNames.stateDifferences, value: drift.differing },
    { name: metricNames.stateDrift, value: isDrifted ? 1 : 0 },
  ];
  await metrics.put(
    values.map(({ name, value }) => ({
      name,
      unit: 'Count',
      system: 'hierarchical',
      atMs,
      values: [value],
      counts: [1],
    })),
  );
}
