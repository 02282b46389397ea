import type { AuditLog } from '../../audit/ports.ts';
import type { FlagStore } from '../../flags/ports.ts';
import type { Clock } from '../../kernel/clock.ts';
import { HalError } from '../../kernel/errors.ts';
import { isRollbackAlarm } from '../../monitoring/alarm-definitions.ts';
import type { AlarmReader } from '../../monitoring/ports.ts';
import type { StepEvent } from '../change-run.ts';
import { assertMayFollow, planAll, planStep, startIndex, type Plan, type PlanStep } from '../plan.ts';
import type { RunStore, Workflow } from '../ports.ts';
import { profileNamed, type Profile } from '../profiles.ts';
import { closeAttempt, executionName, isActive, type RunRecord } from '../run.ts';

export interface StartMigrationDeps {
  readonly runs: RunStore;
  readonly flags: FlagStore;
  readonly alarms: AlarmReader;
  readonly workflow: Workflow;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** Unique; begins with a letter, at most 40 characters of `[a-zA-Z0-9-]`. */
  readonly newRunId: () => string;
}

export interface StartRequest {
  /** Absent: the whole plan of the profile, or the rest of it. */
  readonly phase?: string;
  readonly trafficThousandths?: number;
  readonly profile: string;
  readonly requestedBy: string;
}

export interface StartedMigration {
  readonly kind: 'started' | 'resumed';
  readonly run: RunRecord;
  readonly executionName: string;
}

/**
 * Starts the whole plan or one step of it, or goes on with a plan that was held, rolled back or cut off. Throws
 * HalErrors: `UnknownPhase`, `PhaseOutOfOrder`, `Percentage...`, `MigrationRunning`, `AlarmsNotQuiet`,
 * `KillSwitchSet`, `NothingToDo`.
 */
export async function startMigration(
  deps: StartMigrationDeps,
  request: StartRequest,
): Promise<StartedMigration> {
  const last = await deps.runs.current();
  const profile = profileNamed(request.profile);
  const flags = await deps.flags.readFlags();
  const { trafficThousandths } = flags.document;
  const plan =
    request.phase === undefined
      ? planAll(profile)
      : planStep(
          profile,
          {
            phase: request.phase,
            ...(request.trafficThousandths === undefined
              ? {}
              : { trafficThousandths: request.trafficThousandths }),
          },
          { phase: last?.phase ?? 'none', trafficThousandths },
        );
  if (last !== null && (await isAtWork(deps, last))) throw migrationRunning(last);
  if (last !== null && last.planHash === plan.planHash && isUnfinished(last)) {
    return goOn(deps, last, request.requestedBy);
  }
  if (last !== null && isActive(last)) throw interrupted(last);
  return startRun(deps, request, { last, plan, profile });
}

/** Goes on with the current run. Throws HalErrors `NothingToResume`, `MigrationRunning`, `AlarmsNotQuiet`, `KillSwitchSet`. */
export async function resumeMigration(
  deps: StartMigrationDeps,
  request: { readonly requestedBy: string },
): Promise<StartedMigration> {
  const run = await deps.runs.current();
  if (run === null || !isUnfinished(run)) throw nothingToResume(run);
  if (await isAtWork(deps, run)) throw migrationRunning(run);
  return goOn(deps, run, request.requestedBy);
}

/** True while its execution lives. A record says "running" also after the lights went out. */
async function isAtWork(deps: StartMigrationDeps, run: RunRecord): Promise<boolean> {
  if (run.status === 'rolling-back') return true;
  return isActive(run) && (await deps.workflow.state(executionName(run))) === 'running';
}

function isUnfinished(run: RunRecord): boolean {
  return run.status !== 'completed';
}

interface Start {
  readonly last: RunRecord | null;
  readonly plan: Plan;
  readonly profile: Profile;
}

async function startRun(
  deps: StartMigrationDeps,
  request: StartRequest,
  { last, plan, profile }: Start,
): Promise<StartedMigration> {
  const phase = last?.phase ?? 'none';
  const stepIndex = startIndex(plan.steps, phase);
  const first = plan.steps[stepIndex];
  if (first === undefined) throw new Error('start-3b7: a plan has steps');
  assertMayFollow(phase, first.phase);
  const routingEpoch = await requireReady(deps, first);
  const nowMs = deps.clock.nowMs();
  const run: RunRecord = {
    runId: deps.newRunId(),
    revision: 1,
    routingEpoch,
    planHash: plan.planHash,
    profile: profile.name,
    steps: plan.steps,
    stepIndex,
    phase,
    status: 'running',
    startedBy: request.requestedBy,
    startedAtMs: nowMs,
    endedAtMs: null,
    stepEnteredAtMs: null,
    waitedSeconds: 0,
    decision: null,
    judged: [],
    // One migration may be many runs (a step each): what happened before belongs to it.
    statePhase: last?.statePhase ?? null,
    attempts: last?.attempts ?? [],
    rollbacks: last?.rollbacks ?? [],
    reason: null,
    executionCount: 1,
  };
  if (!(await deps.runs.start(run, last))) throw migrationRunning((await deps.runs.current()) ?? run);
  await launch(deps, run, 'start-migration', request.requestedBy);
  return { kind: 'started', run, executionName: executionName(run) };
}

async function goOn(
  deps: StartMigrationDeps,
  run: RunRecord,
  requestedBy: string,
): Promise<StartedMigration> {
  const isCutOff = isActive(run);
  const stepIndex = run.status === 'rolled-back' ? startIndex(run.steps, run.phase) : nextIndex(run);
  const step = run.steps[stepIndex];
  if (step === undefined) throw nothingToResume(run);
  assertMayFollow(run.phase, step.phase);
  const routingEpoch = await requireReady(deps, step);
  const nowMs = deps.clock.nowMs();
  const resumed = await deps.runs.update(run, {
    ...run,
    routingEpoch: Math.max(run.routingEpoch, routingEpoch),
    status: 'running',
    stepIndex,
    stepEnteredAtMs: null,
    waitedSeconds: 0,
    decision: null,
    judged: [],
    endedAtMs: null,
    reason: null,
    attempts: isCutOff ? closeAttempt(run, 'interrupted', nowMs) : run.attempts,
    executionCount: run.executionCount + 1,
  });
  if (resumed === null) throw migrationRunning((await deps.runs.current()) ?? run);
  await launch(deps, resumed, 'resume-migration', requestedBy);
  return { kind: 'resumed', run: resumed, executionName: executionName(resumed) };
}

/** A step whose gates were passed when the lights went out is not baked again. */
function nextIndex(run: RunRecord): number {
  const isPassed = run.decision?.verdict === 'advance' && run.decision.stepIndex === run.stepIndex;
  return isPassed ? run.stepIndex + 1 : run.stepIndex;
}

async function launch(
  deps: StartMigrationDeps,
  run: RunRecord,
  action: string,
  requestedBy: string,
): Promise<void> {
  await deps.audit.append({
    atMs: deps.clock.nowMs(),
    principal: `operator:${requestedBy}`,
    action,
    facts: {
      runId: run.runId,
      planHash: run.planHash,
      stepIndex: run.stepIndex,
      routingEpoch: run.routingEpoch,
    },
  });
  const input: StepEvent = {
    runId: run.runId,
    routingEpoch: run.routingEpoch,
    execution: run.executionCount,
    stepIndex: run.stepIndex,
    phase: run.steps[run.stepIndex]?.phase ?? '',
  };
  await deps.workflow.start(executionName(run), input);
}

/** The epoch to work under, once nothing speaks against putting users on the hierarchical system. */
async function requireReady(deps: StartMigrationDeps, step: PlanStep): Promise<number> {
  const { document } = await deps.flags.readFlags();
  const servesUsers = step.trafficThousandths !== 0;
  if (servesUsers && document.killSwitch) throw killSwitchSet();
  if (servesUsers) {
    const red = (await deps.alarms.list()).filter(
      ({ name, state }) => state === 'ALARM' && isRollbackAlarm(name),
    );
    if (red.length > 0) throw alarmsNotQuiet(red.map(({ name }) => name));
  }
  return document.routingEpoch;
}

function migrationRunning(run: RunRecord): HalError {
  return new HalError({
    name: 'MigrationRunning',
    message: `Migration ${run.runId} is ${run.status} in phase ${run.phase}; only one runs at a time.`,
    remedy: 'Watch it with: hal9-migrate status --watch. To end it: hal9-migrate rollback',
    exit: 'conflict',
    facts: { runId: run.runId, status: run.status, phase: run.phase },
  });
}

function interrupted(run: RunRecord): HalError {
  return new HalError({
    name: 'MigrationInterrupted',
    message: `Migration ${run.runId} was cut off in phase ${run.phase} and has another plan.`,
    remedy: 'Finish it with: hal9-migrate migrate --resume. Or take it back with: hal9-migrate rollback',
    exit: 'conflict',
    facts: { runId: run.runId, status: run.status, phase: run.phase, profile: run.profile },
  });
}

function nothingToResume(run: RunRecord | null): HalError {
  return new HalError({
    name: 'NothingToResume',
    message: run === null ? 'No migration was ever started.' : `Migration ${run.runId} is ${run.status}.`,
    remedy: 'Start one with: hal9-migrate migrate --phase shadow',
    exit: 'usage',
    facts: { runId: run?.runId ?? null, status: run?.status ?? null },
  });
}

function alarmsNotQuiet(names: readonly string[]): HalError {
  return new HalError({
    name: 'AlarmsNotQuiet',
    message: `In ALARM: ${names.join(', ')}. An alarm that is red already would not roll the step back.`,
    remedy: 'Find and clear the cause, wait until the alarm is OK, then try again.',
    exit: 'conflict',
    facts: { alarms: names },
  });
}

function killSwitchSet(): HalError {
  return new HalError({
    name: 'KillSwitchSet',
    message: 'The kill switch is set: everybody stays on flat.',
    remedy: 'When the cause is cleared, release it with: hal9-migrate feature enable hierarchical_routing',
    exit: 'conflict',
  });
}
