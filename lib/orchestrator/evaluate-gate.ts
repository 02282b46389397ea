import type { AuditLog } from '../audit/ports.ts';
import type { Clock } from '../kernel/clock.ts';
import { restoreFlatAuthority } from '../rollback/restore-authority.ts';
import { changeRun, isInCharge, type StepEvent } from './change-run.ts';
import { decideVerdict, nextPollSeconds, type Verdict } from './decide-verdict.ts';
import type { JudgedGate } from './gates.ts';
import { judgeGates, type JudgeGatesDeps } from './judge-gates.ts';
import { phases } from './phases.ts';
import type { FunctionInvoker } from './function-invoker.ts';
import type { RunStore } from './ports.ts';
import { profiles } from './profiles.ts';
import { closeAttempt, currentStep, type RunRecord } from './run.ts';
import { advanceStatePhase, nextToSwitch, type StatePhaseDeps, type StateStep } from './state-phase.ts';

export interface EvaluateGateDeps extends JudgeGatesDeps, StatePhaseDeps {
  readonly runs: RunStore;
  readonly invoker: FunctionInvoker;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** One call works on the state for this long, then lets the workflow wait. */
  readonly timeBudgetMs: number;
}

type WorkflowVerdict = 'advance' | 'wait' | 'hold' | 'roll-back' | 'complete' | 'superseded';

/** What the workflow's choice looks at. On `advance` the event is already that of the next step. */
export interface JudgedStep extends StepEvent {
  readonly verdict: WorkflowVerdict;
  readonly waitSeconds: number;
  readonly reason: string;
}

/**
 * Judges the current step: moves the state on where the phase is about state, then reads the gates. The answer is
 * kept with its evidence in the run record; asked again after a crash it is the same.
 */
export function makeEvaluateGate(deps: EvaluateGateDeps): (event: StepEvent) => Promise<JudgedStep> {
  return async (event) => {
    const run = await deps.runs.current();
    if (run === null || !isInCharge(event, run) || run.stepIndex !== event.stepIndex) {
      return answer(event, 'superseded', 'another execution or a rollback took over');
    }
    if (run.status === 'held') return answer(event, 'hold', run.reason ?? 'held');
    if (run.status === 'completed') return answer(event, 'complete', 'completed before');
    if (run.status !== 'baking') return answer(event, 'superseded', `the run is ${run.status}`);
    if (run.decision !== null) return repeatDecision(event, run);
    return judge(deps, event, run);
  };
}

function answer(event: StepEvent, verdict: WorkflowVerdict, reason: string, waitSeconds = 0): JudgedStep {
  const { runId, routingEpoch, execution, stepIndex, phase } = event;
  return { runId, routingEpoch, execution, stepIndex, phase, verdict, waitSeconds, reason };
}

function repeatDecision(event: StepEvent, run: RunRecord): JudgedStep {
  const { verdict, reason } = run.decision ?? { verdict: 'hold', reason: 'no decision' };
  return verdict === 'advance' ? advanceFrom(event, run, reason) : answer(event, verdict, reason);
}

function advanceFrom(event: StepEvent, run: RunRecord, reason: string): JudgedStep {
  const next = run.steps[run.stepIndex + 1];
  if (next === undefined) return answer(event, 'complete', reason);
  return answer({ ...event, stepIndex: event.stepIndex + 1, phase: next.phase }, 'advance', reason);
}

async function judge(deps: EvaluateGateDeps, event: StepEvent, begun: RunRecord): Promise<JudgedStep> {
  const step = currentStep(begun);
  const moved = step.phase === 'state-migration' ? await moveState(deps, event, begun) : null;
  if (moved === 'superseded') return answer(event, 'superseded', 'a rollback came first');
  const run = moved?.run ?? begun;
  const startMs = run.stepEnteredAtMs ?? deps.clock.nowMs();
  const stateGate = moved === null ? [] : [judgedState(moved.outcome)];
  const isStateOpen = moved === null || moved.outcome.kind === 'done';
  const others = isStateOpen ? await judgeGates(deps, step, { startMs, endMs: deps.clock.nowMs() }) : [];
  const judged = [...stateGate, ...others];
  return conclude(deps, event, run, judged, decideVerdict(judged, patienceOf(deps, run)));
}

function patienceOf(deps: EvaluateGateDeps, run: RunRecord) {
  const profile = profiles[run.profile];
  const isState = currentStep(run).phase === 'state-migration' && run.statePhase?.stage !== 'done';
  const sinceMs = (isState ? run.statePhase?.progressedAtMs : run.stepEnteredAtMs) ?? deps.clock.nowMs();
  return {
    waitedSeconds: waitedBeyondBake(run),
    elapsedMs: deps.clock.nowMs() - sinceMs,
    breachSeconds: profile.breachPatienceSeconds,
    dataSeconds: isState ? profile.statePatienceSeconds : profile.dataPatienceSeconds,
  };
}

function waitedBeyondBake(run: RunRecord): number {
  return Math.max(0, run.waitedSeconds - currentStep(run).bakeSeconds);
}

interface MovedState {
  readonly run: RunRecord;
  readonly outcome: StateStep;
}

/** Stage after stage while time is left, each written down before the next one begins. */
async function moveState(
  deps: EvaluateGateDeps,
  event: StepEvent,
  begun: RunRecord,
): Promise<MovedState | 'superseded'> {
  const deadlineMs = deps.clock.nowMs() + deps.timeBudgetMs;
  let run = begun;
  for (;;) {
    if (run.statePhase === null)
      throw new Error('state-phase-7d1: the step was entered without a state phase');
    const outcome = await advanceStatePhase(deps, run.statePhase);
    const saved = await changeRun(
      deps.runs,
      (current) => isJudgeable(event, current),
      (current) => ({ ...current, statePhase: outcome.state }),
    );
    if (saved === null) {
      await undoLateSwitch(deps, run);
      return 'superseded';
    }
    run = saved;
    if (outcome.kind !== 'moved-on' || deps.clock.nowMs() >= deadlineMs) return { run, outcome };
  }
}

function isJudgeable(event: StepEvent, run: RunRecord): boolean {
  return isInCharge(event, run) && run.stepIndex === event.stepIndex && run.status === 'baking';
}

/** The rollback may have looked at a category just before this call moved it; then it goes back once more. */
async function undoLateSwitch(deps: EvaluateGateDeps, stale: RunRecord): Promise<void> {
  const { statePhase } = stale;
  const category = statePhase?.stage === 'switch' ? nextToSwitch(statePhase) : undefined;
  const run = await deps.runs.current();
  const rollback = run?.rollbacks.at(-1);
  if (category === undefined || rollback === undefined) return;
  if (run?.status !== 'rolling-back' && run?.status !== 'rolled-back') return;
  if (phases[rollback.toPhase].authorityAfterUndo !== 'flat') return;
  await restoreFlatAuthority(deps.invoker, category, 'evaluate-gate');
}

function judgedState(outcome: StateStep): JudgedGate {
  const { state } = outcome;
  const evidence = [
    {
      name: 'ranges-copied',
      value: state.completeRanges,
      limit: state.completeRanges + state.openRanges,
      source: 'plan-batches',
    },
    { name: 'differences-before', value: differences(state.before), limit: 0, source: 'verify-state' },
    { name: 'categories-switched', value: state.switched.length, source: 'switch-authority' },
    { name: 'differences-after', value: differences(state.after), limit: 0, source: 'verify-state' },
  ];
  const gate = 'state-moved' as const;
  switch (outcome.kind) {
    case 'done':
      return { gate, evidence, outcome: { kind: 'passed' } };
    case 'failed':
      return { gate, evidence, outcome: { kind: 'failed', why: outcome.why, response: outcome.response } };
    case 'waiting':
      return { gate, evidence, outcome: { kind: 'no-data', why: outcome.why } };
    case 'moved-on':
      return { gate, evidence, outcome: { kind: 'no-data', why: `the state is in stage ${state.stage}` } };
    default:
      return outcome satisfies never;
  }
}

function differences(summary: { mismatches: number; missing: number; extra: number } | null): number | null {
  return summary === null ? null : summary.mismatches + summary.missing + summary.extra;
}

async function conclude(
  deps: EvaluateGateDeps,
  event: StepEvent,
  run: RunRecord,
  judged: readonly JudgedGate[],
  verdict: Verdict,
): Promise<JudgedStep> {
  const nowMs = deps.clock.nowMs();
  const reason = verdict.kind === 'advance' ? 'every gate passed' : verdict.reason;
  const waitSeconds = verdict.kind === 'wait' ? nextPollSeconds(waitedBeyondBake(run)) : 0;
  const saved = await changeRun(
    deps.runs,
    (current) => isJudgeable(event, current),
    (current) => ({
      ...concluded(current, verdict, reason, nowMs),
      judged,
      waitedSeconds: current.waitedSeconds + waitSeconds,
    }),
  );
  if (saved === null) return answer(event, 'superseded', 'a rollback came first');
  if (verdict.kind === 'wait') return answer(event, 'wait', reason, waitSeconds);
  await deps.audit.append({
    atMs: nowMs,
    principal: 'workflow',
    action: 'judge-step',
    facts: { runId: run.runId, step: currentStep(run).id, verdict: verdict.kind, reason },
  });
  return verdict.kind === 'advance' ? advanceFrom(event, saved, reason) : answer(event, verdict.kind, reason);
}

function concluded(run: RunRecord, verdict: Verdict, reason: string, nowMs: number): RunRecord {
  if (verdict.kind === 'wait') return { ...run, reason };
  const decision = { stepIndex: run.stepIndex, verdict: verdict.kind, reason };
  switch (verdict.kind) {
    // The rollback itself says how the attempt ended.
    case 'roll-back':
      return { ...run, decision, reason };
    case 'hold':
      return {
        ...run,
        decision,
        reason,
        status: 'held',
        endedAtMs: nowMs,
        attempts: closeAttempt(run, 'held', nowMs),
      };
    case 'advance':
      return advanced(
        { ...run, decision, reason: null, attempts: closeAttempt(run, 'passed', nowMs) },
        nowMs,
      );
    default:
      return verdict satisfies never;
  }
}

function advanced(run: RunRecord, nowMs: number): RunRecord {
  if (run.stepIndex + 1 < run.steps.length) return run;
  const isWhole = run.phase === 'full';
  return { ...run, status: 'completed', phase: isWhole ? 'completed' : run.phase, endedAtMs: nowMs };
}
