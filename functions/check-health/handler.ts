import { checkHealth, type CheckHealthDeps, type HealthReport } from '../../lib/monitoring/check-health.ts';

/** Checks both systems once; the schedule makes it regular. */
export function makeHandler(deps: CheckHealthDeps): () => Promise<HealthReport> {
  return () => checkHealth(deps);
}
