import { makeEnterStep, type EnteredStep, type EnterStepDeps } from '../../lib/orchestrator/enter-step.ts';
import { parseStepEvent } from '../../lib/orchestrator/step-event.ts';

/** Enters the step that the workflow names; the answer goes on to the bake. */
export function makeHandler(deps: EnterStepDeps): (event: unknown) => Promise<EnteredStep> {
  const enterStep = makeEnterStep(deps);
  return (event) => enterStep(parseStepEvent(event));
}
