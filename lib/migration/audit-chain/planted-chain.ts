import { chainStart, endFaults, linkEvent, walkEvent, type ChainEvent, type ChainPoint } from './chain.ts';

/** Fewest events that can be damaged in every way. */
export const fewestForCanary = 3;

/**
 * Damages copies of real events in each way that the walk is there to find, and counts how often it does: a walk that
 * finds none of them has proven nothing.
 */
export function plantInChain(events: readonly ChainEvent[]): {
  readonly planted: number;
  readonly found: number;
} {
  const sealed = events.reduce<ChainPoint | null>(linkEvent, null);
  const [first, second, third, ...rest] = events;
  if (sealed === null || first === undefined || second === undefined || third === undefined) {
    return { planted: 0, found: 0 };
  }
  const damaged: readonly (readonly ChainEvent[])[] = [
    [first, third, ...rest],
    [first, { ...second, hash: third.hash }, { ...third, hash: second.hash }, ...rest],
    [first, { ...second, hash: second.hash.split('').toReversed().join('') }, third, ...rest],
    events.slice(0, -1),
  ];
  const found = damaged.filter((copy) => hasFault(copy, sealed)).length;
  return { planted: damaged.length, found };
}

function hasFault(events: readonly ChainEvent[], sealed: ChainPoint): boolean {
  let walk = chainStart;
  for (const event of events) {
    const step = walkEvent(walk, event, [sealed]);
    if (step.faults.length > 0) return true;
    ({ walk } = step);
  }
  return endFaults(walk, [sealed]).length > 0;
}
