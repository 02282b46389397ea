import type { FlagStore } from '../../flags/ports.ts';
import { planAll, planStep, startIndex, type PlanStep } from '../plan.ts';
import type { RunStore } from '../ports.ts';
import { profileNamed } from '../profiles.ts';
import type { StartRequest } from './start-migration.ts';

/** The steps that `startMigration` would run for this request now; throws what it would throw about the request itself. */
export async function previewMigration(
  deps: { readonly runs: RunStore; readonly flags: FlagStore },
  request: StartRequest,
): Promise<readonly PlanStep[]> {
  const profile = profileNamed(request.profile);
  const [run, { document }] = await Promise.all([deps.runs.current(), deps.flags.readFlags()]);
  const phase = run?.phase ?? 'none';
  if (request.phase === undefined) {
    const { steps } = planAll(profile);
    return steps.slice(startIndex(steps, phase));
  }
  const { trafficThousandths } = request;
  const step = { phase: request.phase, ...(trafficThousandths === undefined ? {} : { trafficThousandths }) };
  return planStep(profile, step, { phase, trafficThousandths: document.trafficThousandths }).steps;
}
