import { mostWaitMs, type BudgetLine } from '../migration/write-budget.ts';
import { transaction, uninterrupted, type Interleave } from './interleave.ts';

export function makeMemoryBudgetLine(interleave: Interleave = uninterrupted): BudgetLine {
  let freeFromMs = 0;
  return {
    reserve: (nowMs, spanMs) =>
      transaction(interleave, 'budget.reserve', () => {
        const isAbandoned = freeFromMs > nowMs + mostWaitMs;
        const startMs = isAbandoned ? nowMs : Math.max(nowMs, freeFromMs);
        freeFromMs = startMs + spanMs;
        return startMs;
      }),
  };
}
