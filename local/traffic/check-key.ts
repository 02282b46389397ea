import type { KeyHistory, Observed, ReadOperation, WriteOperation } from './history.ts';

export type ViolationKind = 'lost-write' | 'stale-read' | 'resurrection' | 'unexplained-read';

export interface Violation {
  readonly kind: ViolationKind;
  readonly key: string;
  /** What was seen, by a read or in the final state. */
  readonly seen: Observed;
  /** null: the final state. */
  readonly read: ReadOperation | null;
  /** A newer write that the seen state does not have; null when it is the row that existed before any request. */
  readonly missing: WriteOperation | null;
}

/**
 * Judges one key. A state is certain to have taken effect when its write was acknowledged, or when a read returned
 * it. A read (or the final state) is wrong when the state it returns was certain before another write was even
 * sent, and that other write was certain before the read was sent. Concurrent operations are never blamed, and a
 * write with an unknown outcome may take effect at any time after it was sent.
 * `final` is absent when the final state is not known.
 */
export function checkKey(history: KeyHistory, final?: { readonly value: Observed }): readonly Violation[] {
  const states = history.writes.map((write): State => ({
    write,
    value: write.value,
    invokedAt: write.invokedAt,
    certainAt: Infinity,
  }));
  const initial: State = {
    write: null,
    value: history.initial,
    invokedAt: -Infinity,
    certainAt: -Infinity,
  };
  const key: KeyStates = {
    key: history.key,
    initial,
    states: [initial, ...states],
    byValue: groupByValue([initial, ...states]),
  };
  const { violations, newest } = sweep(key, history, states);
  return final === undefined ? violations : [...violations, ...judgeFinal(key, final.value, newest)];
}

interface State {
  /** null: the state before any request. */
  readonly write: WriteOperation | null;
  readonly value: Observed;
  readonly invokedAt: number;
  /** From here on the state has certainly taken effect. */
  certainAt: number;
}

interface KeyStates {
  readonly key: string;
  readonly initial: State;
  readonly states: readonly State[];
  readonly byValue: ReadonlyMap<Observed, readonly State[]>;
}

type SweepEvent =
  | { readonly at: number; readonly order: 0; readonly read: ReadOperation }
  | { readonly at: number; readonly order: 1; readonly state: State }
  | { readonly at: number; readonly order: 2; readonly read: ReadOperation };

/** Goes through sends and ends in time order; at equal times sends come first, which makes the two concurrent. */
function sweep(
  key: KeyStates,
  history: KeyHistory,
  states: readonly State[],
): { readonly violations: Violation[]; readonly newest: State } {
  const violations: Violation[] = [];
  const newestAtSend = new Map<ReadOperation, State>();
  let newest = key.initial;
  const settle = (state: State, at: number): void => {
    if (state.certainAt === Infinity) state.certainAt = at;
    if (state.invokedAt > newest.invokedAt) newest = state;
  };
  for (const event of eventsOf(history, states)) {
    if (event.order === 0) newestAtSend.set(event.read, newest);
    else if (event.order === 1) settle(event.state, event.at);
    else {
      const floor = newestAtSend.get(event.read) ?? key.initial;
      const verdict = judgeRead(key, event.read, floor);
      if (verdict.kind === 'explained') {
        // Only a state that no other write could have made tells when it took effect.
        if (verdict.state !== null) settle(verdict.state, event.at);
      } else {
        violations.push({
          kind: verdict.kind,
          key: key.key,
          seen: event.read.value,
          read: event.read,
          missing: floor.write,
        });
      }
    }
  }
  return { violations, newest };
}

function eventsOf(history: KeyHistory, states: readonly State[]): readonly SweepEvent[] {
  const events: SweepEvent[] = [];
  for (const read of history.reads) {
    events.push({ at: read.invokedAt, order: 0, read }, { at: read.endedAt, order: 2, read });
  }
  for (const state of states) {
    const at = state.write?.acknowledgedAt ?? Infinity;
    if (at !== Infinity) events.push({ at, order: 1, state });
  }
  return events.toSorted((left, right) => left.at - right.at || left.order - right.order);
}

type ReadVerdict =
  | { readonly kind: 'explained'; readonly state: State | null }
  | { readonly kind: Exclude<ViolationKind, 'lost-write'> };

function judgeRead(key: KeyStates, read: ReadOperation, floor: State): ReadVerdict {
  const candidates = key.byValue.get(read.value) ?? [];
  const sent = candidates.filter((state) => state.invokedAt <= read.endedAt);
  const explaining = sent.filter((state) => state.certainAt >= floor.invokedAt);
  if (explaining.length > 0) {
    return { kind: 'explained', state: candidates.length === 1 ? (explaining[0] ?? null) : null };
  }
  if (read.value === null) return { kind: 'stale-read' };
  if (sent.length === 0) return { kind: 'unexplained-read' };
  return { kind: onlyAbsenceExplained(key, floor, read.endedAt) ? 'resurrection' : 'stale-read' };
}

/** True when the key was deleted and no write sent before `until` may have brought it back. */
function onlyAbsenceExplained(key: KeyStates, floor: State, until: number): boolean {
  return key.states.every(
    (state) => state.value === null || state.invokedAt > until || state.certainAt < floor.invokedAt,
  );
}

function judgeFinal(key: KeyStates, value: Observed, newest: State): readonly Violation[] {
  const candidates = key.byValue.get(value) ?? [];
  if (candidates.some((state) => state.certainAt >= newest.invokedAt)) return [];
  const violation = { key: key.key, seen: value, read: null } as const;
  if (value !== null && candidates.length > 0 && onlyAbsenceExplained(key, newest, Infinity)) {
    return [{ ...violation, kind: 'resurrection', missing: newest.write }];
  }
  if (newest.write === null && value !== null)
    return [{ ...violation, kind: 'unexplained-read', missing: null }];
  // Writes that nothing certain came after: usually one, more when users wrote at the same time.
  return key.states
    .filter((state) => state.certainAt !== Infinity && state.certainAt >= newest.invokedAt)
    .map((state) => ({ ...violation, kind: 'lost-write' as const, missing: state.write }));
}

function groupByValue(states: readonly State[]): ReadonlyMap<Observed, readonly State[]> {
  const groups = new Map<Observed, State[]>();
  for (const state of states) {
    const group = groups.get(state.value);
    if (group === undefined) groups.set(state.value, [state]);
    else group.push(state);
  }
  return groups;
}
