import { expect, test } from 'vitest';

import { makeRunnable } from '../../../../local/engines/workflows/machine-definition.ts';

const lambda = 'arn:aws:lambda:us-east-1:000000000000:function:f';

test('waits become tasks at any depth and no timer overflows', () => {
  const wait = { Type: 'Wait', Seconds: 5, End: true };
  const machine = makeRunnable(
    'plan',
    {
      StartAt: 'All',
      TimeoutSeconds: 30 * 86_400,
      States: {
        All: {
          Type: 'Parallel',
          Branches: [{ StartAt: 'InBranch', States: { InBranch: wait } }],
          Next: 'Each',
        },
        Each: { Type: 'Map', ItemProcessor: { StartAt: 'InMap', States: { InMap: wait } }, Next: 'Long' },
        Long: { Type: 'Task', Resource: lambda, TimeoutSeconds: 99_999_999, End: true },
      },
    },
    60,
  );

  expect(machine.definition.TimeoutSeconds).toBeUndefined();
  expect(machine.definition.States['Long']).toMatchObject({ TimeoutSeconds: 2_000_000 });
  expect(Object.fromEntries([...machine.tasks].map(([name, task]) => [name, task.kind]))).toEqual({
    InBranch: 'wait',
    InMap: 'wait',
    Long: 'function',
  });
  expect(machine.stateTypes.get('InMap')).toBe('Wait');
});

test('retries wait as much less as time is compressed, down to a second', () => {
  const Retry = [
    { ErrorEquals: ['Slow'], IntervalSeconds: 300, MaxDelaySeconds: 600 },
    { ErrorEquals: ['States.ALL'], IntervalSeconds: 30 },
  ];
  const States = { Work: { Type: 'Task', Resource: lambda, Retry, End: true } };

  const { definition } = makeRunnable('plan', { StartAt: 'Work', States }, 60);

  expect(definition.States['Work']).toMatchObject({
    Retry: [{ IntervalSeconds: 5, MaxDelaySeconds: 10 }, { IntervalSeconds: 1 }],
  });
});

test.each([
  [{ QueryLanguage: 'JSONata' }, {}],
  [{}, { QueryLanguage: 'JSONata' }],
  [{}, { Assign: { x: 1 } }],
  [{}, { Resource: 'arn:aws:states:::dynamodb:updateItem' }],
  [{}, { Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' }],
])('what the interpreter would get wrong is refused: %j %j', (machine, state) => {
  const States = { Work: { Type: 'Task', Resource: lambda, End: true, ...state } };

  expect(() => makeRunnable('plan', { StartAt: 'Work', States, ...machine }, 1)).toThrow(
    expect.objectContaining({ name: 'UnsupportedMachine' }),
  );
});
