/**
 * The budget of write units that all workers share. Each worker reserves slices of it: a slice has a start on one
 * common time line, and whoever got it writes between its start and `sliceLifeMs` later, or not at all.
 *
 * Over any window of one second the slices that can be used in it started within `1 s + sliceLifeMs`, and on the line
 * they stand as far apart as the pace says. With a pace of `(budget - largest slice) / (1 s + sliceLifeMs)` their sum
 * never exceeds the budget, whichever way the window is laid.
 */

/** Also the room for clocks that differ between workers. */
export const sliceLifeMs = 200;

/** A start so far ahead was left behind by a clock that jumped; the line begins anew. */
export const mostWaitMs = 60_000;

/** Of a record of 400 KB, the largest that the store takes, with its key and version. */
const largestRecordUnits = 400;

export function largestSlice(unitsPerSecond: number): number {
  return Math.max(largestRecordUnits, Math.floor(unitsPerSecond / 16));
}

/** How long a slice occupies the line, in milliseconds. */
export function sliceSpanMs(units: number, unitsPerSecond: number): number {
  const pacePerMs = (unitsPerSecond - largestSlice(unitsPerSecond)) / (1_000 + sliceLifeMs);
  return Math.ceil(units / pacePerMs);
}

/** Adapters: `lib/aws/budget-line.ts`, `lib/memory/budget-line.ts`; contract: `test/contract/budget-line.ts`. */
export interface BudgetLine {
  /**
   * Takes the next `spanMs` of the line, from now at the earliest, and returns when they start. Starts of two
   * reservations are never nearer to each other than the span of the earlier one.
   */
  reserve(nowMs: number, spanMs: number): Promise<number>;
}

/** Write units of one record as DynamoDB counts them: one for each KB begun, the names of its attributes included. */
export function writeUnits(itemBytes: number): number {
  return Math.max(1, Math.ceil(itemBytes / 1024));
}
