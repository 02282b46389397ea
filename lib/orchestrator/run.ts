import type { JudgedGate } from './gates.ts';
import type { PhaseName, WorkingPhase } from './phases.ts';
import type { PlanStep } from './plan.ts';
import type { ProfileName } from './profiles.ts';
import type { StatePhase } from './state-phase.ts';

/**
 * What a run is doing:
 *
 * - `running`: a step is being entered; its effects may be half done, entering it again finishes them.
 * - `baking`: the step is entered; it waits, or its gates are being judged.
 * - `held`: a gate did not open in time. Traffic stays; an operator resumes or rolls back.
 * - `rolling-back`: the epoch is raised, so every older actor is refused; traffic and state are on their way back.
 * - `rolled-back`: the way back is finished. `phase` is where it ended; resuming goes forward again.
 * - `completed`: every step of the plan passed.
 */
type RunStatus = 'running' | 'baking' | 'held' | 'rolling-back' | 'rolled-back' | 'completed';

export type AttemptOutcome = 'running' | 'passed' | 'held' | 'rolled-back' | 'interrupted';

/** One try at one step. */
export interface Attempt {
  readonly phase: WorkingPhase;
  readonly stepId: string;
  readonly outcome: AttemptOutcome;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
}

export interface RollbackRecord {
  readonly rollbackId: string;
  readonly fromPhase: PhaseName;
  readonly toPhase: PhaseName;
  /** `alarm:<name>`, `operator:<who>`, `workflow`. */
  readonly trigger: string;
  readonly reason: string;
  /** Epoch that the rollback raised. */
  readonly routingEpoch: number;
  /** When the trigger says it happened. */
  readonly triggeredAtMs: number;
  readonly startedAtMs: number;
  readonly trafficWrittenAtMs: number | null;
  readonly authorityMovedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** What could not be done yet; empty when everything was. */
  readonly failures: readonly string[];
}

/** What the gates decided about the current step, kept so that asking again gives the same answer. */
interface StepDecision {
  readonly stepIndex: number;
  readonly verdict: 'advance' | 'hold' | 'roll-back';
  readonly reason: string;
}

/** The one record of a migration. Every change is conditional on (runId, routingEpoch, revision). */
export interface RunRecord {
  readonly runId: string;
  /** Raised by the store with every update. */
  readonly revision: number;
  /** Epoch of the flags that this run may change; a rollback raises it, and whoever holds the older one is late. */
  readonly routingEpoch: number;
  readonly planHash: string;
  readonly profile: ProfileName;
  readonly steps: readonly PlanStep[];
  readonly stepIndex: number;
  readonly phase: PhaseName;
  readonly status: RunStatus;
  readonly startedBy: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** When the current step was completely entered: evidence older than this does not count. */
  readonly stepEnteredAtMs: number | null;
  /** Waiting asked of the workflow since then. Not the clock: waits may be compressed. */
  readonly waitedSeconds: number;
  readonly decision: StepDecision | null;
  readonly judged: readonly JudgedGate[];
  readonly statePhase: StatePhase | null;
  readonly attempts: readonly Attempt[];
  readonly rollbacks: readonly RollbackRecord[];
  /** Why the run is held or has ended. */
  readonly reason: string | null;
  readonly executionCount: number;
}

const activeStatuses: readonly RunStatus[] = ['running', 'baking', 'rolling-back'];

/** True while somebody is at work, or was when the lights went out. */
export function isActive(run: RunRecord): boolean {
  return activeStatuses.includes(run.status);
}

/** Name of the workflow's execution: the same start twice is one execution. */
export function executionName(run: RunRecord): string {
  return `${run.runId}-${run.executionCount}`;
}

/** Attempts kept in the record; older ones are in the audit log. */
const mostAttempts = 200;

export function openAttempt(run: RunRecord, step: PlanStep, atMs: number): readonly Attempt[] {
  const closed = closeAttempt(run, 'interrupted', atMs);
  const attempt: Attempt = {
    phase: step.phase,
    stepId: step.id,
    outcome: 'running',
    startedAtMs: atMs,
    endedAtMs: null,
  };
  return [...closed, attempt].slice(-mostAttempts);
}

/** Ends the attempt under way, if there is one. */
export function closeAttempt(
  run: RunRecord,
  outcome: Exclude<AttemptOutcome, 'running'>,
  atMs: number,
): readonly Attempt[] {
  return run.attempts.map((attempt) =>
    attempt.outcome === 'running' ? { ...attempt, outcome, endedAtMs: atMs } : attempt,
  );
}

export function currentStep(run: RunRecord): PlanStep {
  const step = run.steps[run.stepIndex];
  if (step === undefined) throw new Error(`run-step-8f2: run ${run.runId} has no step ${run.stepIndex}`);
  return step;
}
