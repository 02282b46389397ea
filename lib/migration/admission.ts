import type {
  AuthorityItem,
  FlatAuthority,
  RangeState,
  ReverseKind,
  ReverseOutcome,
  SwitchRecord,
} from './ports.ts';
import { compareVersions, type RecordVersion } from './record.ts';

/**
 * The conditions under which stores take a write: pure, and the same in memory, in the model and, as condition
 * expressions and SQL, in the real adapters, which the contract suites hold to them. null stands for an absent key.
 */

/** Backfill. */
export function admitsInsert(stored: RecordVersion | null): boolean {
  return stored === null;
}

/** Live apply, and reverse changes on the flat side. */
export function admitsNewer(stored: RecordVersion | null, next: RecordVersion): boolean {
  return stored === null || compareVersions(stored, next) < 0;
}

/** Repair. */
export function admitsRepair(stored: RecordVersion | null, next: RecordVersion): boolean {
  return stored === null || compareVersions(stored, next) <= 0;
}

/** A write under hierarchical authority. */
export function admitsHierarchical(
  item: Pick<AuthorityItem, 'side' | 'epoch' | 'fenced'> | undefined,
  epoch: number,
): boolean {
  return item?.side === 'hierarchical' && !item.fenced && item.epoch === epoch;
}

/** A change of the hierarchical authority on its way to flat, whose key has the version `known`. */
export function judgeReverse(
  flat: FlatAuthority,
  known: RecordVersion | null,
  version: RecordVersion,
  as: ReverseKind = 'change',
): ReverseOutcome {
  if (flat.state !== 'following') return 'refused-epoch';
  if (as === 'repair') {
    if (version.epoch > flat.epoch) return 'refused-epoch';
    return admitsRepair(known, version) ? 'applied' : 'already-newer';
  }
  if (flat.epoch !== version.epoch) return 'refused-epoch';
  return admitsNewer(known, version) ? 'applied' : 'already-newer';
}

/** The next authority of flat on its way from one to another; null when it is elsewhere, and refuses. */
export function moveFlat(
  present: FlatAuthority,
  from: FlatAuthority,
  to: FlatAuthority,
): FlatAuthority | null {
  if (present.epoch === to.epoch && present.state === to.state) return present;
  return present.epoch === from.epoch && present.state === from.state ? to : null;
}

/** An authority item that gets a fence; null when it is of another epoch. */
export function fenceItem<Item extends Pick<AuthorityItem, 'epoch' | 'fenced'>>(
  item: Item,
  epoch: number,
): Item | null {
  return item.epoch === epoch ? { ...item, fenced: true } : null;
}

/** An authority item whose fence is lifted: only after the switch away from its epoch was aborted. */
export function unfenceItem<Item extends Pick<AuthorityItem, 'epoch' | 'fenced'>>(
  item: Item,
  epoch: number,
  last: Pick<SwitchRecord, 'stage' | 'epoch'> | undefined,
): Item | null {
  const isAborted = last?.stage === 'aborted' && last.epoch === epoch + 1;
  return item.epoch === epoch && isAborted ? { ...item, fenced: false } : null;
}

/** An authority item that goes to `side` at `epoch`; the hierarchical side is never left without a fence. */
export function openItem<Item extends Pick<AuthorityItem, 'side' | 'epoch' | 'fenced'>>(
  item: Item,
  side: AuthorityItem['side'],
  epoch: number,
): Item | null {
  const mayLeave = item.side === 'flat' || item.fenced;
  return item.epoch === epoch - 1 && mayLeave ? { ...item, side, epoch, fenced: false } : null;
}

type Attempt = Pick<SwitchRecord, 'epoch' | 'attempt'>;
type StagedAttempt = Attempt & Pick<SwitchRecord, 'stage'>;

export function attemptOf({ attempt }: Pick<SwitchRecord, 'attempt'>): number {
  return attempt ?? 1;
}

/** After a finished switch the next epoch, after an aborted one the same epoch at the next attempt. */
export function mayBegin(last: StagedAttempt | undefined, next: Attempt): boolean {
  if (last?.stage === 'aborted') {
    return next.epoch === last.epoch && attemptOf(next) === attemptOf(last) + 1;
  }
  if (attemptOf(next) !== 1) return false;
  if (last === undefined) return next.epoch === 2;
  return last.stage === 'done' && next.epoch === last.epoch + 1;
}

/**
 * A switch moves on only from the stage that its executor has seen, and only its own attempt: what an executor drained
 * before an abort is not all that there is to drain after it.
 */
export function mayAdvance(
  stored: StagedAttempt | undefined,
  next: Attempt,
  from: SwitchRecord['stage'],
): boolean {
  return stored?.epoch === next.epoch && attemptOf(stored) === attemptOf(next) && stored.stage === from;
}

/** A checkpoint is taken from the last that got the lease, whatever the others believe. */
export function holdsRange(range: Pick<RangeState, 'state' | 'fence'> | undefined, fence: number): boolean {
  return range?.state === 'leased' && range.fence === fence;
}
