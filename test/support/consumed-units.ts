/** Write units as they were consumed, in the order of time. */
export interface Consumption {
  readonly atMs: number;
  readonly units: number;
}

/** The most that was consumed in any window of one second, however it is laid. */
export function busiestSecond(log: readonly Consumption[]): number {
  const sorted = log.toSorted((left, right) => left.atMs - right.atMs);
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const { atMs, units } of sorted) {
    sum += units;
    while ((sorted[first]?.atMs ?? atMs) <= atMs - 1_000) {
      sum -= sorted[first]?.units ?? 0;
      first += 1;
    }
    most = Math.max(most, sum);
  }
  return most;
}
