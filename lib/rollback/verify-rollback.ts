import type { Clock, Sleeper } from '../kernel/clock.ts';
import { metricNames, type MeasuredSystem } from '../monitoring/metric-names.ts';
import type { MetricQuery, MetricReader } from '../monitoring/ports.ts';
import type { RouteStore } from '../router/ports.ts';
import type { Routes } from '../router/routes.ts';

export interface VerifyRollbackDeps {
  readonly routes: RouteStore;
  readonly metrics: MetricReader;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
  /** How long to look before the answer is "not confirmed". */
  readonly patienceMs: number;
}

export interface RollbackVerification {
  readonly routesOnFlat: boolean;
  /** Since the last look that saw some, and after the routes should be everywhere; null when nothing was measured. */
  readonly hierarchicalRequests: number | null;
  readonly flatRequests: number | null;
  /** Flat serves and hierarchical does not: by what was measured, not by what was written. */
  readonly confirmed: boolean;
}

/** Time that the KeyValueStore may take to reach the edges, and requests under way to finish. */
const propagationMs = 3_000;
const lookEveryMs = 1_000;

const requestsOf = (system: MeasuredSystem): MetricQuery => ({
  id: system,
  metric: metricNames.requests,
  system,
  statistic: 'Sum',
});

/** Looks whether users really are on flat. Never throws: what cannot be seen is not confirmed. */
export async function verifyRollback(
  deps: VerifyRollbackDeps,
  trafficWrittenAtMs: number,
): Promise<RollbackVerification> {
  const deadlineMs = deps.clock.nowMs() + deps.patienceMs;
  let sinceMs = trafficWrittenAtMs + propagationMs;
  for (;;) {
    const lookedAtMs = deps.clock.nowMs();
    const seen = await look(deps, sinceMs);
    if (seen.confirmed || deps.clock.nowMs() >= deadlineMs) return seen;
    // Stragglers of a busy moment: what counts is whether there are more of them from now on.
    if ((seen.hierarchicalRequests ?? 0) > 0) sinceMs = Math.max(sinceMs, lookedAtMs);
    await deps.sleeper.sleep(lookEveryMs);
  }
}

async function look(deps: VerifyRollbackDeps, sinceMs: number): Promise<RollbackVerification> {
  const routes = await quietly(() => deps.routes.read());
  const window = { startMs: sinceMs, endMs: Math.max(sinceMs + 1, deps.clock.nowMs()) };
  const readings = await quietly(() =>
    deps.metrics.read([requestsOf('flat'), requestsOf('hierarchical')], window),
  );
  const flatRequests = readings?.get('flat')?.value ?? null;
  const hierarchicalRequests = readings?.get('hierarchical')?.value ?? null;
  const routesOnFlat = routes !== null && isOnFlat(routes);
  const isFlatAlone = (flatRequests ?? 0) > 0 && (hierarchicalRequests ?? 0) === 0;
  return { routesOnFlat, hierarchicalRequests, flatRequests, confirmed: routesOnFlat && isFlatAlone };
}

function isOnFlat(routes: Routes): boolean {
  return routes.killSwitch || routes.trafficThousandths === 0;
}

async function quietly<Result>(work: () => Promise<Result>): Promise<Result | null> {
  try {
    return await work();
  } catch {
    return null;
  }
}
