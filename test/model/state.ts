/** Everything that one key is, on both sides and on every way between them; small integers only. */
const zero = {
  // flat: its row (0 absent, else the number of its write), its authority, its log, the version of the key
  flatValue: 0,
  flatState: 0,
  flatEpoch: 1,
  logEnd: 0,
  /** Bits of the log entries that are of other keys. */
  otherEntries: 0,
  keyEpoch: 0,
  keySequence: 0,
  // target: 0 absent, 1 live, 2 tombstone
  held: 0,
  heldEpoch: 0,
  heldSequence: 0,
  heldValue: 0,
  damaged: 0,
  // relay: cursor, open batches, two messages on their way, one applied and not yet finished
  cursor: 0,
  batch0After: 0,
  batch0Through: 0,
  batch1After: 0,
  batch1Through: 0,
  message0Through: 0,
  message0Epoch: 0,
  message0Sequence: 0,
  message0Value: 0,
  message1Through: 0,
  message1Epoch: 0,
  message1Sequence: 0,
  message1Value: 0,
  finishing: 0,
  relayStep: 0,
  relayAfter: 0,
  relayThrough: 0,
  relayEpoch: 0,
  relaySequence: 0,
  relayValue: 0,
  // backfill: 0 not begun, 1 read, 2 done; a frozen worker that may still write
  copyStep: 0,
  copyEpoch: 0,
  copySequence: 0,
  copyValue: 0,
  frozenEpoch: 0,
  frozenSequence: 0,
  frozenValue: 0,
  // repair: 0 idle, 1 low watermark read, 2 content read
  repairStep: 0,
  repairEpoch: 0,
  repairSequence: 0,
  repairValue: 0,
  // authority item: side 0 flat, 1 hierarchical
  itemSide: 0,
  itemEpoch: 1,
  itemFenced: 0,
  // switch record: 0 none, 1 fencing, 2 draining, 3 opening, 4 done, 5 aborted
  switchStage: 0,
  switchTo: 0,
  switchEpoch: 0,
  switchAttempt: 0,
  // two executors of switches
  exec0Step: 0,
  exec0To: 0,
  exec0Epoch: 0,
  exec0Attempt: 0,
  exec0Last: 0,
  exec0Again: 0,
  exec0After: 0,
  exec0Through: 0,
  exec0HeldEpoch: 0,
  exec0HeldSequence: 0,
  exec0Value: 0,
  exec1Step: 0,
  exec1To: 0,
  exec1Epoch: 0,
  exec1Attempt: 0,
  exec1Last: 0,
  exec1Again: 0,
  exec1After: 0,
  exec1Through: 0,
  exec1HeldEpoch: 0,
  exec1HeldSequence: 0,
  exec1Value: 0,
  // a hierarchical write on its way, the reverse-pending entry, two stream images, one applied and not yet removed
  writerStep: 0,
  writerEpoch: 0,
  writerSeenEpoch: 0,
  writerSeenSequence: 0,
  writerValue: 0,
  pendingEpoch: 0,
  pendingSequence: 0,
  image0Epoch: 0,
  image0Sequence: 0,
  image0Value: 0,
  image1Epoch: 0,
  image1Sequence: 0,
  image1Value: 0,
  carriedEpoch: 0,
  carriedSequence: 0,
  // what was written last, and how much has happened
  latest: 0,
  writes: 0,
  duplicates: 0,
  losses: 0,
  crashes: 0,
  repairs: 0,
  switches: 0,
};

export type State = typeof zero;
type Field = keyof State;

/** What an action changes. */
export type Change = Partial<State>;
export type Next = (label: string, change: Change) => void;

export const initial: Readonly<State> = zero;

const fields = Object.keys(zero) as Field[];
const places = new Map<string, number>(fields.map((field, at) => [field, at]));
const bytes = Buffer.alloc(fields.length);

/** One byte of a text for each field: what a set of visited states holds. */
export function encode(state: State): string {
  for (const [at, field] of fields.entries()) bytes[at] = state[field];
  return bytes.toString('latin1');
}

export function decode(text: string): State {
  const state = { ...zero };
  for (let at = 0; at < fields.length; at += 1) state[fields[at] as Field] = text.charCodeAt(at);
  return state;
}

/** The texts of what follows one state: most of it is known already, and never becomes a state. */
export function makeChangeEncoder(state: State): (change: Change) => string {
  const unchanged = Buffer.from(encode(state), 'latin1');
  return (change) => {
    unchanged.copy(bytes);
    for (const field in change) bytes[places.get(field) ?? 0] = change[field as Field] ?? 0;
    return bytes.toString('latin1');
  };
}

/** How often each thing may happen: what makes the space of states finite. */
export interface Limits {
  readonly writes: number;
  readonly duplicates: number;
  readonly losses: number;
  readonly crashes: number;
  readonly repairs: number;
  readonly switches: number;
  readonly executors: 1 | 2;
  /** What holds before the first step. */
  readonly begin: Change;
}

export const flatOpen = 0;
export const flatFenced = 1;
export const flatFollowing = 2;
export const flatStates = ['open', 'fenced', 'following'] as const;
export const sides = ['flat', 'hierarchical'] as const;
export const stages = ['none', 'fencing', 'draining', 'opening', 'done', 'aborted'] as const;
