import { expect, test } from 'vitest';

import { beginStatePhase, type StatePhase } from '../../../lib/orchestrator/state-phase.ts';
import type { RunRecord } from '../../../lib/orchestrator/run.ts';
import { positionOf } from '../../../local/demo/run-position.ts';

const begun = beginStatePhase('backfill', 0);

function at(change: Partial<StatePhase>): string {
  return positionOf({ status: 'baking', stepIndex: 5, statePhase: { ...begun, ...change } } as RunRecord);
}

test.each([
  ['another stage', { stage: 'copy' }],
  ['another range', { completeRanges: 1 }],
  ['another page of a comparison', { verifyCursor: 'b' }],
  ['another category', { switched: ['metadata'] }],
  ['another stretch of the layers', { publishing: { cursor: 'c' } }],
] as const)('%s is progress', (_what, change) => {
  expect(at(change)).not.toBe(at({}));
});

test('looking again is none', () => {
  expect(at({ progressedAtMs: 9 })).toBe(at({}));
});
