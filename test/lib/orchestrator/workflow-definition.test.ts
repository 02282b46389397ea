import validateDefinition from 'asl-validator';
import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { expect, test } from 'vitest';

import { nextPollSeconds } from '../../../lib/orchestrator/decide-verdict.ts';
import { planAll } from '../../../lib/orchestrator/plan.ts';
import { profiles, type Profile } from '../../../lib/orchestrator/profiles.ts';
import { workflowDefinition } from '../../../lib/orchestrator/workflow-definition.ts';

const arn = (name: string): string => `arn:aws:lambda:us-east-1:123456789012:function:hal9-migrate-${name}`;
const definition = workflowDefinition({
  enterStep: arn('enter-step'),
  evaluateGate: arn('evaluate-gate'),
  rollBack: arn('roll-back'),
});

type Task = (input: Record<string, unknown>) => Promise<unknown>;

/** Runs the machine on stub functions, without waiting. */
async function run(functions: Record<'enter' | 'judge' | 'rollBack', Task>, input: unknown) {
  const machine = new StateMachine(definition as unknown as StateMachineDefinition);
  const names = Object.keys(definition.States);
  const handlers = (prefix: string, task: Task): [string, Task][] =>
    names.filter((name) => name.startsWith(prefix)).map((name) => [name, task]);
  const visited: string[] = [];
  const execution = machine.run(input as never, {
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries([
        ...handlers('Enter ', functions.enter),
        ...handlers('Judge ', functions.judge),
        ...handlers('Roll back', functions.rollBack),
      ]) as never,
      waitTimeOverrides: Object.fromEntries(
        names.filter((name) => name.startsWith('Bake ')).map((name) => [name, 0]),
      ),
      retryIntervalOverrides: Object.fromEntries(names.map((name) => [name, 0])),
    },
  });
  const logs = (async () => {
    for await (const event of execution.eventLogs) {
      if (event.type === 'StateEntered') visited.push(event.state.name);
    }
  })();
  const outcome = await execution.result.then(
    () => 'succeeded',
    (fault: Error) => `failed: ${fault.name}`,
  );
  await logs;
  return { outcome, visited };
}

const start = { runId: 'r', routingEpoch: 0, execution: 1, stepIndex: 0, phase: 'shadow' };
const enter: Task = async (event) => ({ ...event, waitSeconds: 5 });
const rollBack: Task = async () => ({ kind: 'rolled-back' });
const failing: Task = () => Promise.reject(new Error('no'));

test('the definition is valid Amazon States Language', () => {
  const verdict = validateDefinition(definition);

  expect(verdict.isValid ? '' : verdict.errorsText()).toBe('');
});

test('a plan walks through every phase to its end', async () => {
  const { steps } = planAll(profiles.guide);
  const judge: Task = async (event) => {
    const stepIndex = Number(event['stepIndex']);
    const next = steps[stepIndex + 1];
    return next === undefined
      ? { ...event, verdict: 'complete', waitSeconds: 0, reason: '' }
      : {
          ...event,
          verdict: 'advance',
          stepIndex: stepIndex + 1,
          phase: next.phase,
          waitSeconds: 0,
          reason: '',
        };
  };

  const { outcome, visited } = await run({ enter, judge, rollBack }, start);

  expect(outcome).toBe('succeeded');
  expect(visited.filter((name) => name.startsWith('Enter '))).toEqual(
    steps.map(({ phase }) => `Enter ${phase}`),
  );
  expect(visited.at(-1)).toBe('Completed');
});

test.each([
  ['hold', 'Held', 'succeeded'],
  ['superseded', 'Superseded', 'succeeded'],
  ['roll-back', 'Rolled back', 'succeeded'],
  ['nonsense', 'Unknown verdict', 'failed: ExecutionError'],
])('the verdict %s ends in "%s"', async (verdict, last, expected) => {
  const judge: Task = async (event) => ({ ...event, verdict, waitSeconds: 0, reason: 'because' });

  const { outcome, visited } = await run({ enter, judge, rollBack }, start);

  expect(visited.at(-1)).toBe(last);
  expect(outcome.split(':')[0]).toBe(expected.split(':')[0]);
});

test('a gate that waits is judged again after the bake state, not entered again', async () => {
  const verdicts = ['wait', 'wait', 'hold'];
  const judge: Task = async (event) => ({ ...event, verdict: verdicts.shift(), waitSeconds: 1, reason: '' });

  const { visited } = await run({ enter, judge, rollBack }, start);

  expect(visited.filter((name) => name === 'Enter shadow')).toHaveLength(1);
  expect(visited.filter((name) => name === 'Judge shadow')).toHaveLength(3);
});

test('a step that keeps failing takes traffic back and fails the execution', async () => {
  const requests: unknown[] = [];
  const remember: Task = async (event) => requests.push(event);

  const { outcome, visited } = await run({ enter: failing, judge: failing, rollBack: remember }, start);

  expect(visited).toEqual(['Choose phase', 'Enter shadow', 'Roll back after a fault', 'Failed']);
  expect(outcome).toMatch(/^failed/);
  expect(requests).toMatchObject([{ source: 'workflow', runId: 'r', routingEpoch: 0, execution: 1 }]);
});

test('the longest plan stays far below the 25,000 events of an execution history', () => {
  const counts = Object.values(profiles).map(worstCaseEvents);

  expect(Math.max(...counts)).toBeLessThan(20_000);
});

/** Every gate waits as long as it may, and every fifth task fails once and is repeated. */
function worstCaseEvents(profile: Profile): number {
  const perTask = 5;
  const perRetry = 3;
  const perWait = 2;
  const perChoice = 2;
  const perPoll = perTask + perRetry / 5 + perWait + perChoice;
  // The state phase also comes back between its stages; a page of verification or a switch each.
  const stateStages = 400;
  return planAll(profile).steps.reduce((events, step) => {
    const isState = step.phase === 'state-migration';
    const patience = isState ? profile.statePatienceSeconds : profile.dataPatienceSeconds;
    const polls = pollsWithin(patience + profile.breachPatienceSeconds) + (isState ? stateStages : 0);
    return events + perTask + perRetry + perWait + (polls + 1) * perPoll;
  }, 10);
}

function pollsWithin(seconds: number): number {
  let [waited, polls] = [0, 0];
  while (waited < seconds) {
    waited += nextPollSeconds(waited);
    polls += 1;
  }
  return polls;
}
