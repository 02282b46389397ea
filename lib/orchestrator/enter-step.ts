import type { AuditLog } from '../audit/ports.ts';
import {
  combineEdits,
  setFeature,
  limitShadow,
  setShadow,
  setTraffic,
  type EditStamp,
  type FlagsEdit,
} from '../flags/edit.ts';
import type { DeployedFlags, FlagStore } from '../flags/ports.ts';
import type { Clock } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import type { RouteStore } from '../router/ports.ts';
import { compileRoutes } from '../router/routes.ts';
import { changeRun, isInCharge, type StepEvent } from './change-run.ts';
import { createCheckpoint } from './operations/checkpoints.ts';
import { phases, type EntryAction } from './phases.ts';
import type { PlanStep } from './plan.ts';
import type { FunctionInvoker } from './function-invoker.ts';
import type { CheckpointStore, RunStore } from './ports.ts';
import { closeAttempt, currentStep, openAttempt, type RunRecord } from './run.ts';
import { beginStatePhase } from './state-phase.ts';

export interface EnterStepDeps {
  readonly runs: RunStore;
  readonly flags: FlagStore;
  readonly routes: RouteStore;
  readonly invoker: FunctionInvoker;
  readonly checkpoints: CheckpointStore;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/** The event on its way to the bake. A step that must not be entered has nothing to wait for; its judge says why. */
export interface EnteredStep extends StepEvent {
  readonly waitSeconds: number;
}

/**
 * Enters one step: claims it in the run record, changes flags and routes under the run's epoch, starts what the phase
 * starts. Entering it again finishes what was interrupted. A late call, after a rollback or a resume, changes nothing.
 * Throws HalErrors `FlagsNotDeployed` and `DeploymentTakenBack`.
 */
export function makeEnterStep(deps: EnterStepDeps): (event: StepEvent) => Promise<EnteredStep> {
  return async (event) => {
    const claimed = await claimStep(deps, event);
    if (claimed === null) return alreadyEntered(deps, event);
    const step = currentStep(claimed);
    const refusal = await performEntry(deps, claimed, step);
    const settled = await changeRun(
      deps.runs,
      (run) => isEntering(event, run),
      (run) => (refusal === null ? entered(deps, run) : held(deps, run, refusal)),
    );
    if (settled === null || refusal !== null) return { ...event, waitSeconds: 0 };
    await deps.audit.append({
      atMs: deps.clock.nowMs(),
      principal: 'workflow',
      action: 'enter-step',
      facts: { runId: event.runId, step: step.id, routingEpoch: claimed.routingEpoch },
    });
    return { ...event, waitSeconds: step.bakeSeconds };
  };
}

/** The answer was lost, not the entry: the bake still has to be waited for. A late call has nothing to wait for. */
async function alreadyEntered(deps: EnterStepDeps, event: StepEvent): Promise<EnteredStep> {
  const run = await deps.runs.current();
  const isBaking =
    run !== null && isInCharge(event, run) && run.stepIndex === event.stepIndex && run.status === 'baking';
  return { ...event, waitSeconds: isBaking && run.decision === null ? currentStep(run).bakeSeconds : 0 };
}

function isEntering(event: StepEvent, run: RunRecord): boolean {
  return isInCharge(event, run) && run.stepIndex === event.stepIndex && run.status === 'running';
}

/** From the step before (baking and decided), or this very step again. */
function mayEnter(event: StepEvent, run: RunRecord): boolean {
  if (!isInCharge(event, run)) return false;
  if (isEntering(event, run)) return true;
  const { decision } = run;
  return (
    run.status === 'baking' &&
    decision?.verdict === 'advance' &&
    decision.stepIndex === run.stepIndex &&
    event.stepIndex === run.stepIndex + 1
  );
}

function claimStep(deps: EnterStepDeps, event: StepEvent): Promise<RunRecord | null> {
  return changeRun(
    deps.runs,
    (run) => mayEnter(event, run),
    (run) => {
      const step = currentStep({ ...run, stepIndex: event.stepIndex });
      const isAgain = run.attempts.at(-1)?.outcome === 'running' && run.stepIndex === event.stepIndex;
      return {
        ...run,
        status: 'running',
        stepIndex: event.stepIndex,
        phase: step.phase,
        stepEnteredAtMs: null,
        waitedSeconds: 0,
        decision: null,
        judged: [],
        attempts: isAgain ? run.attempts : openAttempt(run, step, deps.clock.nowMs()),
        statePhase: statePhaseFor(run, step, deps.clock.nowMs()),
      };
    },
  );
}

/** The state phase begins anew, or goes on where this attempt left it. */
function statePhaseFor(run: RunRecord, step: PlanStep, nowMs: number): RunRecord['statePhase'] {
  if (step.phase !== 'state-migration') return run.statePhase;
  return run.statePhase ?? beginStatePhase(`backfill-${run.runId}`, nowMs);
}

function entered(deps: EnterStepDeps, run: RunRecord): RunRecord {
  const nowMs = deps.clock.nowMs();
  return { ...run, status: 'baking', stepEnteredAtMs: nowMs, waitedSeconds: currentStep(run).bakeSeconds };
}

function held(deps: EnterStepDeps, run: RunRecord, reason: string): RunRecord {
  const nowMs = deps.clock.nowMs();
  return { ...run, status: 'held', reason, endedAtMs: nowMs, attempts: closeAttempt(run, 'held', nowMs) };
}

/** Returns why the step must be held, or null when everything it starts has been done. */
async function performEntry(deps: EnterStepDeps, run: RunRecord, step: PlanStep): Promise<string | null> {
  const isFirstOfPhase = run.steps[run.stepIndex - 1]?.phase !== step.phase;
  // Later steps leave alone what an operator has changed since the phase began.
  const actions = phases[step.phase].enter.filter(({ kind }) => isFirstOfPhase || kind !== 'compare-fewer');
  if (isFirstOfPhase && actions.some(({ kind }) => kind === 'checkpoint')) {
    await createCheckpoint(deps, {
      name: `pre-${step.phase}`,
      kind: 'pre-phase',
      createdBy: `run ${run.runId}`,
      phase: step.phase,
    });
  }
  const stamp: EditStamp = {
    updatedBy: `run ${run.runId}`,
    atMs: deps.clock.nowMs(),
    reason: `enter ${step.id}`,
  };
  return changeFlags(deps, run, combineEdits(...actions.flatMap((action) => editsOf(action, step, stamp))));
}

function editsOf(action: EntryAction, step: PlanStep, stamp: EditStamp): readonly FlagsEdit[] {
  switch (action.kind) {
    case 'compare-in-shadow':
      return [setShadow({ enabled: true, sampleThousandths: action.sampleThousandths }, stamp)];
    case 'compare-fewer':
      return [limitShadow(action.mostThousandths, stamp)];
    case 'enable-features':
      return action.features.map((name) => setFeature(name, { enabled: true }, stamp));
    case 'route-share':
      return step.trafficThousandths === null ? [] : [setTraffic(step.trafficThousandths, stamp)];
    // The gate drives the state migration; each of its stages is short and can be repeated.
    case 'start-state-migration':
    case 'checkpoint':
      return [];
    default:
      return action satisfies never;
  }
}

async function changeFlags(deps: EnterStepDeps, run: RunRecord, edit: FlagsEdit): Promise<string | null> {
  const outcome = await deps.flags.writeFlags({ edit, expectedRoutingEpoch: run.routingEpoch });
  switch (outcome.kind) {
    case 'deployed':
    case 'unchanged':
      return publish(deps, outcome.flags);
    case 'epoch-moved':
      return `the flags are at routing epoch ${outcome.routingEpoch}, this run at ${run.routingEpoch}: somebody rolled back or released the kill switch`;
    case 'rolled-back':
      throw new HalError({
        name: 'DeploymentTakenBack',
        message: `AppConfig took deployment ${outcome.deploymentNumber} back.`,
        remedy: 'Look at the alarms that monitor the environment, then resume.',
      });
    case 'timed-out':
      throw new HalError({
        name: 'FlagsNotDeployed',
        message: `The flags were not in force after ${outcome.waitedMs} ms.`,
        remedy: 'The step is entered again by itself; look for a deployment that does not end.',
      });
    default:
      return outcome satisfies never;
  }
}

/** The edges must follow before the bake begins, or the evidence would be about the step before. */
async function publish(deps: EnterStepDeps, flags: DeployedFlags): Promise<string | null> {
  const { document } = flags;
  if (document.killSwitch && document.trafficThousandths > 0) {
    return 'the kill switch is set: everybody stays on flat until an operator releases it';
  }
  const outcome = await deps.routes.publish(compileRoutes(document, flags.version));
  if (outcome.kind === 'kept-newer' && outcome.routes.routingEpoch > document.routingEpoch) {
    return `the published routes are at epoch ${outcome.routes.routingEpoch}: somebody rolled back`;
  }
  return null;
}
