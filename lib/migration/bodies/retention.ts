import { dayMs, dayOf } from '../body-name.ts';

/**
 * How long after the end of its day a body is let alone, named or not: longer than anything that was told its name may
 * take until an item holds it, or is over. A message stays in a queue for 14 days, and for 14 more after it was sent
 * again from the dead letters; what goes on in a function takes minutes.
 */
export const bodyRetentionMs = 30 * dayMs;

/**
 * How long a body is known to be named by no item before it is deleted: longer than a stream keeps the images of an
 * item (24 h), and than anybody takes who has read an item and fetches its body.
 */
export const unnamedForMs = 2 * dayMs;

/** The last day whose bodies may be looked at: those of a later day can still come to be named. */
export function lastSweptDay(nowMs: number, retentionMs = bodyRetentionMs): string {
  return dayOf(nowMs - retentionMs - dayMs);
}
