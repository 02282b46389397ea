import type { AuthorityItem } from '../../lib/migration/ports.ts';
import type { Rules } from './rules.ts';
import { flatStates, sides, stages, type Change, type Next, type State } from './state.ts';
import { flatImage } from './target.ts';

type Executor = 0 | 1;

export interface Context {
  readonly state: State;
  readonly at: Executor;
  readonly rules: Rules;
  readonly next: Next;
}

/** What an executor remembers besides the step that it is at. */
interface Memory {
  readonly To: number;
  readonly Epoch: number;
  readonly Attempt: number;
  /** End of the log at the fence. */
  readonly Last: number;
  /** 1: drains once more, because the fence was not there any more; 2: drains the rest, now that flat follows. */
  readonly Again: number;
  readonly After: number;
  readonly Through: number;
  readonly HeldEpoch: number;
  readonly HeldSequence: number;
  readonly Value: number;
}

export const forgotten: Memory = {
  To: 0,
  Epoch: 0,
  Attempt: 0,
  Last: 0,
  Again: 0,
  After: 0,
  Through: 0,
  HeldEpoch: 0,
  HeldSequence: 0,
  Value: 0,
};
export const noImage = { After: 0, Through: 0, HeldEpoch: 0, HeldSequence: 0, Value: 0 };

export const step = {
  idle: 0,
  fenceFlat: 1,
  advanceToDrain: 2,
  fenceFlatAgain: 3,
  drain: 4,
  beginBatch: 5,
  applyBatch: 6,
  finishBatch: 7,
  advanceToOpen: 8,
  openItems: 9,
  follow: 10,
  advanceToDone: 11,
  fenceItem: 21,
  fenceItemAgain: 23,
  drainReverse: 24,
  applyReverse: 25,
  removePending: 26,
  requireFenced: 28,
  openFlat: 29,
  giveItemsBack: 30,
  unfence: 40,
} as const;

export function goTo(at: Executor, stepNumber: number, memory: Partial<Memory> = {}): Change {
  const change: Record<string, number> = { [`exec${at}Step`]: stepNumber };
  for (const [name, value] of Object.entries(memory)) change[`exec${at}${name}`] = value;
  return change;
}

type Stage = 'fencing' | 'draining' | 'opening' | 'done' | 'aborted';

export function stageOf(stage: number): Stage {
  return (stages[stage] ?? 'aborted') as Stage;
}

export function firstStep(to: number, stage: number): number {
  if (to === 1) return [0, step.fenceFlat, step.fenceFlatAgain, step.follow][stage] ?? 0;
  return [0, step.fenceItem, step.fenceItemAgain, step.requireFenced][stage] ?? 0;
}

export function recordOf(state: State, at: Executor): Pick<Memory, 'To' | 'Epoch' | 'Attempt'> {
  return { To: state[`exec${at}To`], Epoch: state[`exec${at}Epoch`], Attempt: state[`exec${at}Attempt`] };
}

export function storedSwitch(state: State) {
  return { stage: stageOf(state.switchStage), epoch: state.switchEpoch, attempt: state.switchAttempt };
}

/** Looks at the record again: what was aborted must not leave its fence behind, everything else begins anew. */
export function giveUp({ state, at, next }: Context): void {
  const record = recordOf(state, at);
  const isSame = state.switchEpoch === record.Epoch && state.switchTo === record.To;
  const isAborted = isSame && stageOf(state.switchStage) === 'aborted';
  const then = isAborted
    ? goTo(at, step.unfence, { ...forgotten, ...record })
    : goTo(at, step.idle, forgotten);
  next(`executor ${at} finds the switch elsewhere`, then);
}

export function flatOf(state: State) {
  return { epoch: state.flatEpoch, state: flatStates[state.flatState] ?? 'open' };
}

export function flatChange(flat: {
  readonly epoch: number;
  readonly state: (typeof flatStates)[number];
}): Change {
  return { flatEpoch: flat.epoch, flatState: flatStates.indexOf(flat.state) };
}

export function itemOf(state: State): Pick<AuthorityItem, 'side' | 'epoch' | 'fenced'> {
  return { side: sides[state.itemSide] ?? 'flat', epoch: state.itemEpoch, fenced: state.itemFenced === 1 };
}

export function itemChange(item: Pick<AuthorityItem, 'side' | 'epoch' | 'fenced'>): Change {
  return { itemSide: sides.indexOf(item.side), itemEpoch: item.epoch, itemFenced: item.fenced ? 1 : 0 };
}

export function imageMemory(state: State): Pick<Memory, 'HeldEpoch' | 'HeldSequence' | 'Value'> {
  const { epoch, sequence, value } = flatImage(state);
  return { HeldEpoch: epoch, HeldSequence: sequence, Value: value };
}

export function imageOf(state: State, at: Executor) {
  return {
    epoch: state[`exec${at}HeldEpoch`],
    sequence: state[`exec${at}HeldSequence`],
    value: state[`exec${at}Value`],
  };
}
