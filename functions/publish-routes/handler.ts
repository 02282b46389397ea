import type { FlagsDocument } from '../../lib/flags/document.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { countMetric, type MetricSink } from '../../lib/kernel/metric-sink.ts';
import type { RouteStore } from '../../lib/router/ports.ts';
import { compileRoutes } from '../../lib/router/routes.ts';

export interface PublishRoutesDeps {
  /** What AppConfig hands to its consumers right now; null when nothing is deployed. */
  readonly readDeployed: () => Promise<FlagsDocument | null>;
  readonly routes: RouteStore;
  readonly metrics: MetricSink;
  readonly clock: Clock;
}

export interface PublishRoutesAnswer {
  readonly outcome: 'published' | 'unchanged' | 'kept-newer' | 'nothing-deployed';
  /** Epoch of the routes that the edges have now; null when there are none. */
  readonly routingEpoch: number | null;
}

/**
 * Copies the routing part of the deployed flags to the edges. Woken by AppConfig whenever a deployment moves, and
 * every minute to reconcile, since a notification may be lost: then it also reports whether the copy was wrong. A
 * copy with a higher epoch than the flags (a rollback whose flags are not deployed yet) stays, and is reported too.
 */
export function makeHandler({ readDeployed, routes, metrics, clock }: PublishRoutesDeps) {
  return async (event: unknown): Promise<PublishRoutesAnswer> => {
    const outcome = await routes.follow(async () => {
      const flags = await readDeployed();
      return flags === null ? null : compileRoutes(flags, 0);
    });
    if (isReconciliation(event)) {
      const isDiverged = outcome.kind === 'published' || outcome.kind === 'kept-newer';
      await metrics.put([countMetric('RoutesDiverged', isDiverged ? 1 : 0, clock.nowMs())]);
    }
    return {
      outcome: outcome.kind,
      routingEpoch: outcome.kind === 'nothing-deployed' ? null : outcome.routes.routingEpoch,
    };
  };
}

function isReconciliation(event: unknown): boolean {
  return (event as { action?: unknown } | null)?.action === 'reconcile';
}
