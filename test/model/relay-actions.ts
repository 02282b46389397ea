import { isLogged } from './copy-actions.ts';
import type { Rules } from './rules.ts';
import type { Change, Limits, Next, State } from './state.ts';
import { flatImage, heldVersion, put, type Content } from './target.ts';

/** The change log on its way to the target: relay, queue, workers. */
export function relayActions(state: State, limits: Limits, rules: Rules, next: Next): void {
  relay(state, limits, next);
  for (const at of [0, 1] as const) {
    resend(state, at, next);
    deliver(state, at, { limits, rules, next });
  }
  if (state.finishing > 0) {
    next('a worker reports the batch', { ...finish(state, state.finishing), finishing: 0 });
    if (state.crashes < limits.crashes)
      next('a worker crashes before it reports', { finishing: 0, crashes: state.crashes + 1 });
  }
}

const idle = { relayStep: 0, relayAfter: 0, relayThrough: 0, relayEpoch: 0, relaySequence: 0, relayValue: 0 };

function relay(state: State, limits: Limits, next: Next): void {
  const { relayStep, relayAfter, relayThrough } = state;
  if (relayStep === 0) {
    for (let through = state.cursor + 1; through <= state.logEnd; through += 1) {
      const { epoch, sequence, value } = flatImage(state);
      next(`the relay reads up to ${through}`, {
        relayStep: 1,
        relayAfter: state.cursor,
        relayThrough: through,
        relayEpoch: epoch,
        relaySequence: sequence,
        relayValue: value,
      });
    }
    return;
  }
  if (state.crashes < limits.crashes) next('the relay crashes', { ...idle, crashes: state.crashes + 1 });
  if (relayStep === 1) {
    const begun = begin(state, relayAfter, relayThrough);
    if (begun === null) next('another relay was faster', idle);
    else if (!isLogged(state, relayAfter, relayThrough)) {
      next('the relay skips what is not ours', { ...idle, cursor: relayThrough });
    } else if (begun !== 'full') next('the relay begins a batch', { ...begun, relayStep: 2 });
    return;
  }
  const { relayEpoch: epoch, relaySequence: sequence, relayValue: value } = state;
  const sent = send(state, relayThrough, { epoch, sequence, value });
  if (sent !== null) next('the relay sends the batch', { ...idle, ...sent });
}

/** Moves the cursor and opens the batch; null when the cursor is elsewhere by now. */
export function begin(state: State, after: number, through: number): Change | null | 'full' {
  if (state.cursor !== after) return null;
  const opened = { cursor: through };
  if (state.batch0Through === 0) return { ...opened, batch0After: after, batch0Through: through };
  if (state.batch1Through === 0) return { ...opened, batch1After: after, batch1Through: through };
  return 'full';
}

export function finish(state: State, through: number): Change {
  return {
    ...(state.batch0Through === through ? { batch0After: 0, batch0Through: 0 } : {}),
    ...(state.batch1Through === through ? { batch1After: 0, batch1Through: 0 } : {}),
  };
}

function send(state: State, through: number, { epoch, sequence, value }: Content): Change | null {
  const at = state.message0Through === 0 ? 0 : state.message1Through === 0 ? 1 : null;
  return at === null ? null : message(at, { through, epoch, sequence, value });
}

function message(at: 0 | 1, content: Content & { readonly through: number }): Change {
  return {
    [`message${at}Through`]: content.through,
    [`message${at}Epoch`]: content.epoch,
    [`message${at}Sequence`]: content.sequence,
    [`message${at}Value`]: content.value,
  };
}

const none = { through: 0, epoch: 0, sequence: 0, value: 0 };

function resend(state: State, at: 0 | 1, next: Next): void {
  const through = state[`batch${at}Through`];
  // As long as a message of the batch is on its way another one adds nothing but a duplicate, which has its own limit.
  const isOnItsWay = state.message0Through === through || state.message1Through === through;
  if (through === 0 || isOnItsWay) return;
  const sent = send(state, through, flatImage(state));
  if (sent !== null) next('the relay sends an open batch again', sent);
}

interface Delivery {
  readonly limits: Limits;
  readonly rules: Rules;
  readonly next: Next;
}

function deliver(state: State, at: 0 | 1, { limits, rules, next }: Delivery): void {
  const through = state[`message${at}Through`];
  if (through === 0) return;
  if (state.losses < limits.losses)
    next('a message is lost', { ...message(at, none), losses: state.losses + 1 });
  if (state.finishing !== 0) return;
  const content = {
    epoch: state[`message${at}Epoch`],
    sequence: state[`message${at}Sequence`],
    value: state[`message${at}Value`],
  };
  const applied = apply(state, rules, content);
  next('a message is applied', { ...applied, ...message(at, none), finishing: through });
  if (state.duplicates < limits.duplicates) {
    const duplicates = state.duplicates + 1;
    next('a message is applied and will come again', { ...applied, finishing: through, duplicates });
  }
  if (!rules.appliesFirst) next('a worker reports before it applies', finish(state, through));
}

/** The one conditional write of queue and drain. */
export function apply(state: State, rules: Rules, content: Content): Change {
  return rules.admitsNewer(heldVersion(state), content) ? put(rules, content) : {};
}
