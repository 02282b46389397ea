import type { Rules } from './rules.ts';
import {
  flatFollowing,
  flatStates,
  sides,
  type Change,
  type Limits,
  type Next,
  type State,
} from './state.ts';
import { put, type Content } from './target.ts';

/** Writers under hierarchical authority, and their writes on the way to flat. */
export function reverseActions(state: State, limits: Limits, rules: Rules, next: Next): void {
  write(state, limits, rules, next);
  for (const at of [0, 1] as const) deliver(state, at, { limits, rules, next });
  if (state.carriedEpoch > 0) {
    const { carriedEpoch: epoch, carriedSequence: sequence } = state;
    const isNewer =
      state.pendingEpoch > epoch || (state.pendingEpoch === epoch && state.pendingSequence > sequence);
    const removed = isNewer ? {} : { pendingEpoch: 0, pendingSequence: 0 };
    const done = { carriedEpoch: 0, carriedSequence: 0 };
    next('the pending entry is removed', { ...removed, ...done });
    if (state.crashes < limits.crashes) {
      next('the reverse path crashes', { ...done, crashes: state.crashes + 1 });
    }
  }
}

const noWriter = { writerStep: 0, writerEpoch: 0, writerSeenEpoch: 0, writerSeenSequence: 0, writerValue: 0 };

function write(state: State, limits: Limits, rules: Rules, next: Next): void {
  if (state.writerStep === 0) look(state, limits, next);
  else send(state, rules, next);
}

function look(state: State, limits: Limits, next: Next): void {
  const isOpen =
    state.flatState === flatFollowing &&
    state.itemSide === 1 &&
    state.itemFenced === 0 &&
    state.itemEpoch === state.flatEpoch;
  if (!isOpen || state.writes >= limits.writes || state.heldEpoch > state.flatEpoch) return;
  const writes = state.writes + 1;
  const seen = {
    writerStep: 1,
    writerEpoch: state.flatEpoch,
    writerSeenEpoch: state.heldEpoch,
    writerSeenSequence: state.heldSequence,
    writes,
  };
  next(`a writer looks, to write ${writes}`, { ...seen, writerValue: writes });
  if (state.held === 1) next('a writer looks, to delete', seen);
}

function send(state: State, rules: Rules, next: Next): void {
  const { writerEpoch: epoch, writerValue: value, writerSeenEpoch, writerSeenSequence } = state;
  const item = {
    side: sides[state.itemSide] ?? 'flat',
    epoch: state.itemEpoch,
    fenced: state.itemFenced === 1,
  };
  const isExpected = state.heldEpoch === writerSeenEpoch && state.heldSequence === writerSeenSequence;
  if (!rules.admitsHierarchical(item, epoch) || !isExpected) {
    next('a writer is refused', noWriter);
    return;
  }
  const sequence = writerSeenEpoch === epoch ? writerSeenSequence + 1 : 1;
  const content = { epoch, sequence, value };
  const pending = { latest: value, pendingEpoch: epoch, pendingSequence: sequence };
  next(`hierarchical takes ${value === 0 ? 'a delete' : value}`, {
    ...put(rules, content),
    ...noWriter,
    ...pending,
    ...append(state, content),
  });
}

/** A full stream loses the image, as one whose retention is over; the pending entry stays. */
function append(state: State, content: Content): Change {
  const at = state.image0Epoch === 0 ? 0 : state.image1Epoch === 0 ? 1 : null;
  return at === null ? {} : image(at, content);
}

function image(at: 0 | 1, { epoch, sequence, value }: Content): Change {
  return { [`image${at}Epoch`]: epoch, [`image${at}Sequence`]: sequence, [`image${at}Value`]: value };
}

const none = { epoch: 0, sequence: 0, value: 0 };

interface Delivery {
  readonly limits: Limits;
  readonly rules: Rules;
  readonly next: Next;
}

/** In any order: shards split, and iterators begin anew. */
function deliver(state: State, at: 0 | 1, { limits, rules, next }: Delivery): void {
  const epoch = state[`image${at}Epoch`];
  if (epoch === 0) return;
  if (state.losses < limits.losses)
    next('an image is lost', { ...image(at, none), losses: state.losses + 1 });
  if (state.carriedEpoch !== 0) return;
  const content = { epoch, sequence: state[`image${at}Sequence`], value: state[`image${at}Value`] };
  const carried = carry(state, rules, content);
  if (carried === 'refused') {
    if (state.flatEpoch > epoch) next('an image of a past authority is dropped', image(at, none));
    return;
  }
  const done = { ...carried, carriedEpoch: epoch, carriedSequence: content.sequence };
  next('an image is carried to flat', { ...done, ...image(at, none) });
  if (state.duplicates < limits.duplicates) {
    next('an image is carried and will come again', { ...done, duplicates: state.duplicates + 1 });
  }
}

/** One reverse change in the transaction of flat; refused while flat does not follow its epoch. */
export function carry(state: State, rules: Rules, { epoch, sequence, value }: Content): Change | 'refused' {
  const flat = { epoch: state.flatEpoch, state: flatStates[state.flatState] ?? 'open' };
  const isKnown = state.keySequence > 0;
  const known = isKnown ? { epoch: state.keyEpoch, sequence: state.keySequence } : null;
  const outcome = rules.judgeReverse(flat, known, { epoch, sequence });
  if (outcome === 'refused-epoch') return 'refused';
  if (outcome === 'already-newer') return {};
  return { flatValue: value, keyEpoch: epoch, keySequence: sequence };
}
