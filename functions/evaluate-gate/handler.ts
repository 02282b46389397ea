import {
  makeEvaluateGate,
  type EvaluateGateDeps,
  type JudgedStep,
} from '../../lib/orchestrator/evaluate-gate.ts';
import { parseStepEvent } from '../../lib/orchestrator/step-event.ts';

/** Judges the step that the workflow names; the answer is what its choice looks at. */
export function makeHandler(deps: EvaluateGateDeps): (event: unknown) => Promise<JudgedStep> {
  const evaluateGate = makeEvaluateGate(deps);
  return (event) => evaluateGate(parseStepEvent(event));
}
