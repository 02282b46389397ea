import type { BodyMark } from './ports.ts';

/**
 * What a mark means that is there after the sweep `sweepId` has looked at every item; times are milliseconds.
 *
 * - `wait`: another sweep has added it meanwhile, which says nothing: the item that names its body may have been
 *   looked at before. Or its body is unnamed for too short a time.
 * - `mark`: nobody names its body, as is known from now on.
 * - `due`: unnamed since `due` or longer. The mark was there before this sweep began, since a sweep takes away the marks
 *   of what is named, and what is added again does not say since when: so this sweep, too, found nobody who names it.
 */
export function settleMark(
  mark: BodyMark,
  { sweepId, due }: { readonly sweepId: string | null; readonly due: number },
): 'wait' | 'mark' | 'due' {
  const { unnamedSinceMs } = mark;
  if (unnamedSinceMs !== null) return unnamedSinceMs <= due ? 'due' : 'wait';
  return mark.sweepId === sweepId ? 'mark' : 'wait';
}
