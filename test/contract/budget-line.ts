import { describe, expect, it } from 'vitest';

import type { BudgetLine } from '../../lib/migration/write-budget.ts';

/** One time line from which workers take spans that never overlap. */
export function budgetLineContract(name: string, makeAdapter: () => Promise<BudgetLine>): void {
  describe(`budget line: ${name}`, () => {
    it('starts at once when it is free, and behind the last span when it is not', async () => {
      const line = await makeAdapter();

      expect(await line.reserve(1_000, 50)).toBe(1_000);
      expect(await line.reserve(1_010, 20)).toBe(1_050);
      expect(await line.reserve(1_070, 5)).toBe(1_070);
      expect(await line.reserve(9_000, 5)).toBe(9_000);
    });

    it('gives no moment to two of many workers', async () => {
      const line = await makeAdapter();

      const starts = await Promise.all(Array.from({ length: 64 }, () => line.reserve(5_000, 7)));

      const sorted = starts.toSorted((left, right) => left - right);
      expect(sorted).toEqual(Array.from({ length: 64 }, (_, at) => 5_000 + 7 * at));
    });

    it('begins anew when a clock that had jumped took it far ahead', async () => {
      const line = await makeAdapter();
      await line.reserve(10_000_000, 10);

      expect(await line.reserve(5_000, 10)).toBe(5_000);
      expect(await line.reserve(5_000, 10)).toBe(5_010);
    });
  });
}
