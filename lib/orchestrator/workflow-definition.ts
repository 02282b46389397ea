import { isWorkingPhase, phases, workingPhases, type WorkingPhase } from './phases.ts';

/** ARNs of the three functions that the workflow calls. */
export interface WorkflowTasks {
  readonly enterStep: string;
  readonly evaluateGate: string;
  readonly rollBack: string;
}

type State = Readonly<Record<string, unknown>>;

export interface WorkflowDefinition {
  readonly Comment: string;
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

const rollBackState = 'Roll back';
const emergencyState = 'Roll back after a fault';

/**
 * The state machine, generated from the phase table, in Amazon States Language. Per phase: enter the step, wait
 * (bake), judge, decide; from there to the next step, back to the wait, or out. One execution walks the whole plan:
 * its input names the step to begin with (`StepEvent`), and each answer is the next state's input. JSONPath in
 * its plainest form, since that is what every engine runs.
 */
export function workflowDefinition(tasks: WorkflowTasks): WorkflowDefinition {
  return {
    Comment: 'Takes a migration through its phases: enter, bake, judge, decide.',
    StartAt: 'Choose phase',
    States: {
      'Choose phase': {
        Type: 'Choice',
        Choices: workingPhases.map((phase) => ({
          Variable: '$.phase',
          StringEquals: phase,
          Next: `Enter ${phase}`,
        })),
        Default: 'Unknown phase',
      },
      ...Object.fromEntries(workingPhases.flatMap((phase) => phaseStates(phase, tasks))),
      ...wayOutStates(tasks),
    },
  };
}

function phaseStates(phase: WorkingPhase, tasks: WorkflowTasks): readonly [string, State][] {
  return Object.entries<State>({
    [`Enter ${phase}`]: task(tasks.enterStep, `Bake ${phase}`),
    [`Bake ${phase}`]: { Type: 'Wait', SecondsPath: '$.waitSeconds', Next: `Judge ${phase}` },
    [`Judge ${phase}`]: task(tasks.evaluateGate, `Decide ${phase}`),
    [`Decide ${phase}`]: {
      Type: 'Choice',
      Choices: [
        { Variable: '$.verdict', StringEquals: 'wait', Next: `Bake ${phase}` },
        ...phases[phase].next.filter(isWorkingPhase).map((next) => ({
          And: [
            { Variable: '$.verdict', StringEquals: 'advance' },
            { Variable: '$.phase', StringEquals: next },
          ],
          Next: `Enter ${next}`,
        })),
        { Variable: '$.verdict', StringEquals: 'complete', Next: 'Completed' },
        { Variable: '$.verdict', StringEquals: 'hold', Next: 'Held' },
        { Variable: '$.verdict', StringEquals: 'roll-back', Next: rollBackState },
        { Variable: '$.verdict', StringEquals: 'superseded', Next: 'Superseded' },
      ],
      Default: 'Unknown verdict',
    },
  });
}

/** A fault of our own repeats a few times; then traffic goes back, since nobody would watch the step any more. */
function task(resource: string, next: string): State {
  return {
    Type: 'Task',
    Resource: resource,
    Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 5, MaxAttempts: 3, BackoffRate: 2 }],
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.fault', Next: emergencyState }],
    Next: next,
  };
}

function wayOutStates(tasks: WorkflowTasks): Readonly<Record<string, State>> {
  const request = {
    source: 'workflow',
    'runId.$': '$.runId',
    'routingEpoch.$': '$.routingEpoch',
    'execution.$': '$.execution',
  };
  const retry = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 2, MaxAttempts: 5, BackoffRate: 2 }];
  return {
    [rollBackState]: {
      Type: 'Task',
      Resource: tasks.rollBack,
      Parameters: { ...request, 'reason.$': '$.reason' },
      Retry: retry,
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.fault', Next: 'Rollback failed' }],
      Next: 'Rolled back',
    },
    [emergencyState]: {
      Type: 'Task',
      Resource: tasks.rollBack,
      Parameters: { ...request, reason: 'the workflow could not go on', 'fault.$': '$.fault' },
      Retry: retry,
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.fault', Next: 'Rollback failed' }],
      Next: 'Failed',
    },
    Completed: { Type: 'Succeed', Comment: 'Every step of the plan passed.' },
    Held: { Type: 'Succeed', Comment: 'Traffic stays; an operator resumes or rolls back.' },
    'Rolled back': { Type: 'Succeed', Comment: 'Resuming goes forward again.' },
    Superseded: { Type: 'Succeed', Comment: 'A rollback or another execution took over.' },
    Failed: {
      Type: 'Fail',
      Error: 'StepFailed',
      Cause: 'A step could not be entered or judged. Traffic was taken back to flat.',
    },
    'Rollback failed': {
      Type: 'Fail',
      Error: 'RollbackFailed',
      Cause: 'The rollback itself failed: run hal9-migrate rollback.',
    },
    'Unknown phase': {
      Type: 'Fail',
      Error: 'UnknownPhase',
      Cause: 'The input names no phase of the table.',
    },
    'Unknown verdict': {
      Type: 'Fail',
      Error: 'UnknownVerdict',
      Cause: 'The gate answered what the workflow does not know.',
    },
  };
}
