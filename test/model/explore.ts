import { copyActions } from './copy-actions.ts';
import { problemOf, problemOfStep } from './invariants.ts';
import { relayActions } from './relay-actions.ts';
import { reverseActions } from './reverse-actions.ts';
import type { Rules } from './rules.ts';
import { decode, encode, initial, makeChangeEncoder, type Change, type Limits, type State } from './state.ts';
import { switchActions } from './switch-actions.ts';

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** False when the limit of states ended it before everything was seen. */
  readonly complete: boolean;
  readonly counterexample: { readonly problem: string; readonly trace: readonly string[] } | null;
}

/** Every state that can be reached, breadth first, so that a counterexample is as short as can be. */
export function explore(limits: Limits, rules: Rules, mostStates: number): Exploration {
  // A set is iterated in the order of insertion, also over what is added meanwhile: it is the queue as well.
  const visited = new Set<string>();
  const parents: number[] = [];
  let transitions = 0;
  let counterexample: Exploration['counterexample'] = null;

  const first = encode({ ...initial, ...limits.begin });
  visited.add(first);
  parents.push(-1);
  let at = -1;
  for (const text of visited) {
    at += 1;
    const state = decode(text);
    const encodeChange = makeChangeEncoder(state);
    successors(state, limits, rules, (label, change) => {
      if (counterexample !== null) return;
      transitions += 1;
      const key = encodeChange(change);
      const isKnown = visited.has(key);
      if (isKnown && change.held === undefined) return;
      const after = { ...state, ...change };
      const problem = problemOfStep(state, after) ?? (isKnown ? null : problemOf(after));
      if (problem !== null) counterexample = { problem, trace: [...traceTo(at), label] };
      if (isKnown) return;
      visited.add(key);
      parents.push(at);
    });
    if (counterexample !== null || visited.size >= mostStates) break;
  }
  return { states: visited.size, transitions, complete: at + 1 === visited.size, counterexample };

  function traceTo(last: number): string[] {
    const texts = [...visited];
    const path: number[] = [];
    for (let step = last; step >= 0; step = parents[step] ?? -1) path.unshift(step);
    return path.slice(1).map((step, index) => labelOf(texts[path[index] ?? 0] ?? '', texts[step] ?? ''));
  }

  function labelOf(from: string, to: string): string {
    const state = decode(from);
    let found = '';
    successors(state, limits, rules, (label, change) => {
      if (found === '' && encode({ ...state, ...change }) === to) found = label;
    });
    return found;
  }
}

function successors(
  state: State,
  limits: Limits,
  rules: Rules,
  next: (label: string, change: Change) => void,
): void {
  copyActions(state, limits, rules, next);
  relayActions(state, limits, rules, next);
  switchActions(state, limits, rules, next);
  reverseActions(state, limits, rules, next);
}
