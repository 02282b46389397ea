import { expect, test } from 'vitest';

import { isAppliedUpTo } from '../../cli/state/migrate-state.ts';

const relay = (appliedThrough: number, lastSequence: number) => ({
  category: 'configuration',
  relay: { appliedThrough, lastSequence, openBatches: 0 },
});

test.each([
  ['what the log held when the copy was complete is applied', relay(900, 1_200), 900, true],
  ['some of it is not', relay(899, 1_200), 900, false],
  ['nothing is left of a category whose last change lies before the cut', relay(300, 300), 900, true],
])('the copy is over, or not: %s', (_what, status, cut, isOver) => {
  expect(isAppliedUpTo([status], new Map([['configuration', cut]]))).toBe(isOver);
});
