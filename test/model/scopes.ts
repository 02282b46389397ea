import type { Limits } from './state.ts';

const nothing = {
  writes: 0,
  duplicates: 0,
  losses: 0,
  crashes: 0,
  repairs: 0,
  switches: 0,
  executors: 1,
} as const;
const uncopied = { flatValue: 9, latest: 9 };
const copied = { ...uncopied, copyStep: 2, held: 1, heldEpoch: 1, heldValue: 9 };

const switched = {
  ...copied,
  flatState: 2,
  flatEpoch: 2,
  itemSide: 1,
  itemEpoch: 2,
  switchStage: 4,
  switchTo: 1,
  switchEpoch: 2,
  switchAttempt: 1,
};

/** What is explored, each to its end: how much may happen, and what holds before. */
export const scopes: Readonly<Record<string, Limits>> = {
  /** Copy, live changes, lost, late and repeated messages, crashes, a copy that froze. */
  copy: { ...nothing, writes: 2, duplicates: 1, losses: 1, crashes: 2, begin: uncopied },
  /** Two repairs of one record, damaged or not, while it is copied and changed. */
  repair: { ...nothing, writes: 2, repairs: 2, begin: uncopied },
  /** Forward, back and forward again, with a crash, and changes on both sides. */
  switches: { ...nothing, writes: 2, crashes: 1, switches: 3, begin: copied },
  /** Two executors that start, resume, abort and finish each other's switches. */
  executors: { ...nothing, writes: 1, switches: 2, executors: 2, begin: copied },
  /** The same under hierarchical authority, on the way back to flat. */
  'executors-back': { ...nothing, writes: 1, switches: 2, executors: 2, begin: switched },
  /** A repair while authority goes forward and back. */
  'repair-and-switch': { ...nothing, writes: 2, repairs: 1, switches: 2, begin: copied },
};
