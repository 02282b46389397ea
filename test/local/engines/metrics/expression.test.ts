import { expect, test } from 'vitest';

import { evaluateExpression, parseExpression } from '../../../../local/engines/metrics/expression.ts';

const metrics: Readonly<Record<string, number>> = { errors: 5, requests: 200, zero: 0 };
const evaluate = (text: string): number | undefined =>
  evaluateExpression(parseExpression(text), (id) => metrics[id]);

test.each([
  ['errors / requests * 100', 2.5],
  ['1 + 2 * 3 - 4 / 2', 5],
  ['(1 + 2) * -3', -9],
  ['IF(requests >= 100, errors / requests, 0)', 0.025],
  ['IF(requests < 100, 1, IF(errors == 5, 7, 8))', 7],
  ['IF(errors > 1 && zero == 0 OR missing, 1, 0)', undefined],
  ['FILL(missing, 0) + 1', 1],
  ['FILL(errors, 0)', 5],
  ['MAX([errors, requests, missing])', 200],
  ['MIN(errors, requests)', 5],
  ['SUM([errors, requests])', 205],
  ['ABS(errors - requests)', 195],
  ['errors / zero', undefined],
  ['errors + missing', undefined],
  ['errors != 5', 0],
])('%s gives %s', (text, value) => {
  expect(evaluate(text)).toBe(value);
});

test.each(['errors +', 'ANOMALY_DETECTION_BAND(errors)', 'IF(errors)', '(errors', 'errors $ 2', ''])(
  'metric math that cannot be read is refused: %s',
  (text) => {
    expect(() => parseExpression(text)).toThrow(SyntaxError);
  },
);
