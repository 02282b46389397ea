import type { AuthorityItem } from '../../lib/migration/ports.ts';
import { isLogged } from './copy-actions.ts';
import {
  type Context,
  forgotten,
  noImage,
  step,
  goTo,
  stageOf,
  firstStep,
  recordOf,
  storedSwitch,
  giveUp,
  flatOf,
  flatChange,
  itemOf,
  itemChange,
  imageMemory,
  imageOf,
} from './executor.ts';
import { apply, begin, finish } from './relay-actions.ts';
import type { Rules } from './rules.ts';
import { carry } from './reverse-actions.ts';
import { flatFollowing, sides, stages, type Limits, type Next, type State } from './state.ts';
import { heldContent } from './target.ts';

/** Operators and executors of switches; each may crash, and others resume or abort what it began. */
export function switchActions(state: State, limits: Limits, rules: Rules, next: Next): void {
  for (const at of [0, 1] as const) {
    if (at >= limits.executors) continue;
    const context = { state, at, rules, next };
    const present = state[`exec${at}Step`];
    if (present === step.idle) start(context, limits);
    else {
      if (state.crashes < limits.crashes) {
        next(`executor ${at} crashes`, { ...goTo(at, step.idle, forgotten), crashes: state.crashes + 1 });
      }
      runs[present]?.(context);
    }
  }
}

function start({ state, at, rules, next }: Context, limits: Limits): void {
  const { switchStage, switchTo, switchEpoch } = state;
  const record = { To: switchTo, Epoch: switchEpoch, Attempt: state.switchAttempt };
  if (switchStage >= 1 && switchStage <= 3) {
    next(
      `executor ${at} resumes at ${stages[switchStage]}`,
      goTo(at, firstStep(switchTo, switchStage), record),
    );
    if (switchStage < 3) next(`executor ${at} aborts`, { ...goTo(at, step.unfence, record), switchStage: 5 });
    return;
  }
  const to = state.flatState === flatFollowing ? 0 : 1;
  const epoch = state.flatEpoch + 1;
  const last = switchStage === 0 ? undefined : storedSwitch(state);
  const attempt = last?.stage === 'aborted' ? last.attempt + 1 : 1;
  const isReady = to === 0 || state.copyStep === 2;
  if (state.switches >= limits.switches || !isReady || !rules.mayBegin(last, { epoch, attempt })) return;
  next(`executor ${at} begins a switch to ${sides[to]}`, {
    ...goTo(at, firstStep(to, 1), { To: to, Epoch: epoch, Attempt: attempt }),
    switchStage: 1,
    switchAttempt: attempt,
    switchTo: to,
    switchEpoch: epoch,
    switches: state.switches + 1,
  });
}

/** From one stage to the next, unless another executor has moved on or the switch was aborted. */
function advance(context: Context, from: 1 | 2 | 3): void {
  const { state, at, rules, next } = context;
  const record = recordOf(state, at);
  const { To, Epoch: epoch, Attempt: attempt } = record;
  if (!rules.mayAdvance(storedSwitch(state), { epoch, attempt }, stageOf(from))) {
    giveUp(context);
    return;
  }
  const memory = from === 3 ? forgotten : { ...forgotten, ...record };
  const then = from === 3 ? step.idle : firstStep(To, from + 1);
  next(`executor ${at} advances to ${stages[from + 1]}`, {
    ...goTo(at, then, memory),
    switchStage: from + 1,
  });
}

function fenceFlat({ state, at, rules, next }: Context, then: number): void {
  const epoch = state[`exec${at}Epoch`] - 1;
  const moved = rules.moveFlat(flatOf(state), { epoch, state: 'open' }, { epoch, state: 'fenced' });
  if (moved === null) {
    giveUp({ state, at, rules, next });
    return;
  }
  next(`executor ${at} fences flat`, { ...flatChange(moved), ...goTo(at, then, { Last: state.logEnd }) });
}

function drain({ state, at, rules, next }: Context): void {
  const last = state[`exec${at}Last`];
  const image = imageMemory(state);
  if (rules.drainsForward) {
    if (state.cursor < last) {
      const slice = { After: state.cursor, Through: last, ...image };
      next(`executor ${at} reads the log`, goTo(at, step.beginBatch, slice));
      return;
    }
    for (const batch of [0, 1] as const) {
      const Through = state[`batch${batch}Through`];
      const After = state[`batch${batch}After`];
      if (Through === 0 || After >= last) continue;
      next(`executor ${at} reads an open batch`, goTo(at, step.applyBatch, { After, Through, ...image }));
      return;
    }
  }
  const then = [step.advanceToOpen, step.follow, step.openItems][state[`exec${at}Again`]] ?? step.idle;
  next(`executor ${at} has drained`, goTo(at, then, noImage));
}

function openItems({ state, at, rules, next }: Context, side: AuthorityItem['side'], then: number): void {
  const epoch = state[`exec${at}Epoch`];
  const opened = rules.openItem(itemOf(state), side, epoch);
  if (opened !== null)
    next(`executor ${at} gives the items to ${side}`, { ...itemChange(opened), ...goTo(at, then) });
  else if (state.itemEpoch >= epoch) next(`executor ${at} finds the items given`, goTo(at, then));
  else giveUp({ state, at, rules, next });
}

function fenceItems({ state, at, rules, next }: Context, then: number): void {
  const epoch = state[`exec${at}Epoch`] - 1;
  const fenced = rules.fenceItem(itemOf(state), epoch);
  const change = fenced === null || !rules.fencesHierarchical ? {} : itemChange(fenced);
  if (fenced !== null || state.itemEpoch > epoch)
    next(`executor ${at} fences the items`, { ...change, ...goTo(at, then) });
  else giveUp({ state, at, rules, next });
}

function drainReverse({ state, at, rules, next }: Context): void {
  if (state.pendingEpoch === 0 || !rules.drainsReverse) {
    const then = state[`exec${at}Again`] === 1 ? step.openFlat : 27;
    next(`executor ${at} has drained the way back`, goTo(at, then, noImage));
    return;
  }
  const held = { HeldEpoch: state.heldEpoch, HeldSequence: state.heldSequence, Value: heldContent(state) };
  next(`executor ${at} reads a record that flat lacks`, goTo(at, step.applyReverse, held));
}

const runs: Readonly<Record<number, (context: Context) => void>> = {
  [step.fenceFlat]: (context) => fenceFlat(context, step.advanceToDrain),
  [step.advanceToDrain]: (context) => advance(context, 1),
  [step.fenceFlatAgain]: (context) => fenceFlat(context, step.drain),
  [step.drain]: drain,
  [step.beginBatch]({ state, at, next }) {
    const after = state[`exec${at}After`];
    const through = state[`exec${at}Through`];
    const begun = begin(state, after, through);
    if (begun === null) next(`executor ${at} comes second to a relay`, goTo(at, step.drain, noImage));
    else if (begun !== 'full') {
      const then = isLogged(state, after, through) ? step.applyBatch : step.finishBatch;
      next(`executor ${at} begins a batch`, { ...begun, ...goTo(at, then) });
    }
  },
  [step.applyBatch]({ state, at, rules, next }) {
    const applied = apply(state, rules, imageOf(state, at));
    next(`executor ${at} applies a batch`, { ...applied, ...goTo(at, step.finishBatch) });
  },
  [step.finishBatch]({ state, at, next }) {
    const finished = finish(state, state[`exec${at}Through`]);
    next(`executor ${at} finishes a batch`, { ...finished, ...goTo(at, step.drain, noImage) });
  },
  [step.advanceToOpen]: (context) => advance(context, 2),
  [step.openItems]: (context) => openItems(context, 'hierarchical', step.advanceToDone),
  [step.follow](context) {
    const { state, at, rules, next } = context;
    const epoch = state[`exec${at}Epoch`];
    const from = { epoch: epoch - 1, state: 'fenced' } as const;
    const moved = rules.moveFlat(flatOf(state), from, { epoch, state: 'following' });
    if (moved !== null) {
      const rest = rules.drainsRest
        ? goTo(at, step.drain, { Again: 2, Last: state.logEnd })
        : goTo(at, step.openItems);
      next(`executor ${at} makes flat follow`, { ...flatChange(moved), ...rest });
    } else
      fenceFlat(
        { ...context, next: (label, change) => next(label, { ...change, [`exec${at}Again`]: 1 }) },
        step.drain,
      );
  },
  [step.advanceToDone]: (context) => advance(context, 3),
  [step.fenceItem]: (context) => fenceItems(context, 22),
  22: (context) => advance(context, 1),
  [step.fenceItemAgain]: (context) => fenceItems(context, step.drainReverse),
  [step.drainReverse]: drainReverse,
  [step.applyReverse](context) {
    const { state, at, rules, next } = context;
    const carried = carry(state, rules, imageOf(state, at));
    if (carried === 'refused') giveUp(context);
    else next(`executor ${at} carries a record to flat`, { ...carried, ...goTo(at, step.removePending) });
  },
  [step.removePending]({ state, at, next }) {
    const { epoch, sequence } = imageOf(state, at);
    const isNewer =
      state.pendingEpoch > epoch || (state.pendingEpoch === epoch && state.pendingSequence > sequence);
    const removed = isNewer ? {} : { pendingEpoch: 0, pendingSequence: 0 };
    next(`executor ${at} removes the pending entry`, { ...removed, ...goTo(at, step.drainReverse, noImage) });
  },
  27: (context) => advance(context, 2),
  [step.requireFenced]({ state, at, rules, next }) {
    const isClosed = state.itemFenced === 1 || state.itemEpoch >= state[`exec${at}Epoch`];
    if (isClosed || !rules.fencesHierarchical)
      next(`executor ${at} finds the items fenced`, goTo(at, step.openFlat));
    else next(`executor ${at} finds a fence lifted`, goTo(at, step.fenceItemAgain, { Again: 1 }));
  },
  [step.openFlat](context) {
    const { state, at, rules, next } = context;
    const epoch = state[`exec${at}Epoch`];
    const from = { epoch: epoch - 1, state: 'following' } as const;
    const moved = rules.moveFlat(flatOf(state), from, { epoch, state: 'open' });
    if (moved === null) giveUp(context);
    else next(`executor ${at} opens flat`, { ...flatChange(moved), ...goTo(at, step.giveItemsBack) });
  },
  [step.giveItemsBack]: (context) => openItems(context, 'flat', 31),
  31: (context) => advance(context, 3),
  [step.unfence]({ state, at, rules, next }) {
    const epoch = state[`exec${at}Epoch`] - 1;
    const done = goTo(at, step.idle, forgotten);
    if (state[`exec${at}To`] === 1) {
      const moved = rules.moveFlat(flatOf(state), { epoch, state: 'fenced' }, { epoch, state: 'open' });
      next(`executor ${at} lifts the fence of flat`, {
        ...(moved === null ? {} : flatChange(moved)),
        ...done,
      });
      return;
    }
    const lifted = rules.unfenceItem(itemOf(state), epoch, storedSwitch(state));
    next(`executor ${at} lifts the fence of the items`, {
      ...(lifted === null ? {} : itemChange(lifted)),
      ...done,
    });
  },
};
