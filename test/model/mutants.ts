import type { RecordVersion } from '../../lib/migration/record.ts';
import { productRules, type Rules } from './rules.ts';
import type { scopes } from './scopes.ts';

type Stored = RecordVersion | null;

const always = (): boolean => true;
const bySequence = (stored: Stored, next: RecordVersion): boolean =>
  stored === null || stored.sequence < next.sequence;

export interface Mutant {
  readonly scope: keyof typeof scopes;
  readonly rules: Partial<Rules>;
}

/** The protocol with one of its guards removed. */
export const mutants: Readonly<Record<string, Mutant>> = {
  'blind-backfill-and-apply': {
    scope: 'copy',
    rules: { admitsInsert: always, admitsNewer: always, keepsTombstones: false },
  },
  'blind-backfill': { scope: 'copy', rules: { admitsInsert: always } },
  'physical-delete': { scope: 'copy', rules: { keepsTombstones: false } },
  'high-watermark': { scope: 'copy', rules: { stampsLow: false } },
  'collect-any-time': { scope: 'copy', rules: { collects: 'any-time' } },
  'finish-before-apply': { scope: 'copy', rules: { appliesFirst: false } },
  'blind-repair': { scope: 'repair', rules: { admitsRepair: always } },
  'blind-delete-of-extras': { scope: 'repair', rules: { deletesExtrasBlindly: true } },
  'repair-without-asking': { scope: 'repair-and-switch', rules: { asksAuthority: false } },
  'epoch-ignored': {
    scope: 'switches',
    rules: {
      admitsNewer: bySequence,
      judgeReverse: (flat, known, version) => {
        if (flat.state !== 'following') return 'refused-epoch';
        return bySequence(known, version) ? 'applied' : 'already-newer';
      },
    },
  },
  'no-drain-forward': { scope: 'switches', rules: { drainsForward: false } },
  'no-drain-reverse': { scope: 'switches', rules: { drainsReverse: false } },
  'flat-never-fenced': { scope: 'switches', rules: { fencesFlat: false } },
  'hierarchical-never-fenced': { scope: 'switches', rules: { fencesHierarchical: false } },
  'attempts-alike': {
    scope: 'executors-back',
    rules: {
      mayAdvance: (stored, { epoch }, from) =>
        productRules.mayAdvance(stored === undefined ? stored : { ...stored, attempt: 1 }, { epoch }, from),
    },
  },
  'rest-not-drained': { scope: 'executors', rules: { drainsRest: false } },
};
