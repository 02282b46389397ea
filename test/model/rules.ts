import {
  admitsHierarchical,
  admitsInsert,
  admitsNewer,
  admitsRepair,
  fenceItem,
  judgeReverse,
  mayAdvance,
  mayBegin,
  moveFlat,
  openItem,
  unfenceItem,
} from '../../lib/migration/admission.ts';

/** The product's own decisions; the rest of the model is only who takes which step when. */
export const productRules = {
  admitsInsert,
  admitsNewer,
  admitsRepair,
  admitsHierarchical,
  fenceItem,
  judgeReverse,
  mayAdvance,
  mayBegin,
  moveFlat,
  openItem,
  unfenceItem,
  /** A deleted key leaves a tombstone. */
  keepsTombstones: true,
  /** Rows are stamped with what was committed before they were read, or after. */
  stampsLow: true,
  /** A tombstone goes away when nothing older can arrive any more, never, or at any time. */
  collects: 'never' as 'never' | 'drained' | 'any-time',
  drainsForward: true,
  /** What was written while a fence was lifted by mistake is applied before the new side opens. */
  drainsRest: true,
  drainsReverse: true,
  /** Flat refuses every writer while it is fenced or follows. */
  fencesFlat: true,
  fencesHierarchical: true,
  /** The relay reports a batch as applied only after it was. */
  appliesFirst: true,
  /** An extra record is deleted by a look at flat, whatever was written since. */
  deletesExtrasBlindly: false,
  /** The repair asks whether flat is still the authority after it has read. */
  asksAuthority: true,
};

export type Rules = typeof productRules;
