import { flatFenced, flatFollowing, flatOpen, type State } from './state.ts';
import { heldContent } from './target.ts';

/** What has to hold in every state. Each returns what is wrong, or null; none of them asks a rule of the product. */
const ofStates: readonly ((state: State) => string | null)[] = [
  /** The items are given to the hierarchical side before flat follows; no writer gets there until it does. */
  function singleAuthority(state) {
    const isAdmitted =
      state.itemSide === 1 && state.itemFenced === 0 && state.writerEpoch === state.itemEpoch;
    const isBoth = state.flatState === flatOpen && state.writerStep === 1 && isAdmitted;
    return isBoth ? 'invariant 5: both sides take writes' : null;
  },
  function flatIsCurrent(state) {
    if (state.flatState !== flatOpen || state.flatValue === state.latest) return null;
    return `I13: flat has authority and holds ${state.flatValue}, written last was ${state.latest}`;
  },
  function targetIsCurrent(state) {
    const isAuthority =
      state.flatState === flatFollowing && state.itemSide === 1 && state.itemEpoch === state.flatEpoch;
    if (!isAuthority || heldContent(state) === state.latest) return null;
    return `I13: hierarchical has authority and holds ${heldContent(state)}, written last was ${state.latest}`;
  },
  /** I2, I3 and I8 at once: what is neither right nor on its way is lost, and nothing else has to be waited for. */
  function rightOrPending(state) {
    const isFlat = state.flatState === flatOpen || state.flatState === flatFenced;
    if (!isFlat || state.copyStep !== 2 || state.damaged === 1) return null;
    const appliedThrough = Math.min(
      state.cursor,
      state.batch0Through === 0 ? state.cursor : state.batch0After,
      state.batch1Through === 0 ? state.cursor : state.batch1After,
    );
    const isPending = state.keyEpoch === state.flatEpoch && state.keySequence > appliedThrough;
    if (isPending || heldContent(state) === state.flatValue) return null;
    const what = state.flatValue === 0 ? 'I2: a deleted row is live again' : 'I3, I8: a row is lost';
    return `${what}: flat holds ${state.flatValue}, the target ${heldContent(state)}, and nothing is on its way`;
  },
  function reverseIsRightOrPending(state) {
    if (state.flatState !== flatFollowing || state.pendingEpoch > 0) return null;
    if (state.itemSide !== 1 || state.itemEpoch !== state.flatEpoch) return null;
    if (heldContent(state) === state.flatValue) return null;
    return `I3: hierarchical holds ${heldContent(state)}, flat ${state.flatValue}, and nothing is pending`;
  },
];

/** I1 and I10: the version of a key never goes back. */
export function problemOfStep(before: State, after: State): string | null {
  // Whether its version may go with a record is seen by what becomes of the key.
  if (after.held === 0) return null;
  const isBack =
    after.heldEpoch < before.heldEpoch ||
    (after.heldEpoch === before.heldEpoch && after.heldSequence < before.heldSequence);
  return isBack ? 'I1: the version of the key went back' : null;
}

export function problemOf(state: State): string | null {
  for (const invariant of ofStates) {
    const problem = invariant(state);
    if (problem !== null) return problem;
  }
  return null;
}
