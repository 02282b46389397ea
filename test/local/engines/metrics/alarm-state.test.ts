import { expect, test } from 'vitest';

import type { AlarmStateValue } from '../../../../local/engines/ports.ts';
import { readAlarmDefinition } from '../../../../local/engines/metrics/alarm-definition.ts';
import { judgeAlarm } from '../../../../local/engines/metrics/alarm-state.ts';

const short: Readonly<Record<string, AlarmStateValue>> = {
  A: 'ALARM',
  O: 'OK',
  I: 'INSUFFICIENT_DATA',
};

/** `pattern` is oldest first as CloudWatch's documentation draws it: `0` is fine, `X` breaches, `-` is missing. */
function stateFor(
  pattern: string,
  treatment: string,
  rule: [m: number, n: number],
  current: AlarmStateValue,
) {
  const alarm = readAlarmDefinition({
    AlarmName: 'a',
    Namespace: 'N',
    MetricName: 'M',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: rule[1],
    DatapointsToAlarm: rule[0],
    Threshold: 0,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: treatment,
  });
  const points = Array.from(pattern, (mark) =>
    mark === '-' ? undefined : mark === 'X' ? 1 : 0,
  ).toReversed();
  return judgeAlarm(alarm, points, current).state;
}

// Gaps are looked past while the span holds enough real points.
// Columns: missing, ignore, breaching, notBreaching; `=` keeps the state.
test.each<[pattern: string, m: number, n: number, states: string]>([
  ['0-X-X', 3, 3, 'OOOO'],
  ['0----', 3, 3, 'OOOO'],
  ['-----', 3, 3, 'I=AO'],
  ['0XX-X', 3, 3, 'AAAA'],
  ['--X--', 3, 3, 'A=AO'],
  ['0-X-X', 2, 3, 'AAAA'],
  ['00X0X', 2, 3, 'AAAA'],
  ['0-X--', 2, 3, 'OOAO'],
  ['----0', 2, 3, 'OOAO'],
  ['---X-', 2, 3, 'A=AO'],
  ['----X', 3, 3, '==AO'],
])('%s with %d out of %d gives %s', (pattern, m, n, states) => {
  for (const current of ['OK', 'ALARM', 'INSUFFICIENT_DATA'] as const) {
    const judged = ['missing', 'ignore', 'breaching', 'notBreaching'].map((treatment) =>
      stateFor(pattern, treatment, [m, n], current),
    );

    const expected = Array.from(states, (mark) => short[mark] ?? current);
    expect(judged).toEqual(expected);
  }
});
