/** Counts of acknowledged writes in named intervals of the migration. */
export interface AckWindows {
  begin(label: string): void;
  /** The final count; 0 for a window that was never begun. */
  end(label: string): number;
  acknowledged(): void;
  /** Since the beginning. */
  total(): number;
  /** See `TrafficControl.waitForAcks`. */
  waitFor(label: string, count: number, timeoutMs: number): Promise<number>;
}

export function makeAckWindows(): AckWindows {
  const counts = new Map<string, number>();
  let total = 0;
  let waiters: { readonly label: string; readonly count: number; readonly done: () => void }[] = [];
  const wakeSatisfied = (): void => {
    for (const waiter of waiters) {
      if ((counts.get(waiter.label) ?? 0) >= waiter.count) waiter.done();
    }
  };
  return {
    begin: (label) => {
      counts.set(label, 0);
    },
    end(label) {
      const count = counts.get(label) ?? 0;
      counts.delete(label);
      return count;
    },
    total: () => total,
    acknowledged() {
      total += 1;
      for (const [label, count] of counts) counts.set(label, count + 1);
      wakeSatisfied();
    },
    waitFor: (label, count, timeoutMs) =>
      new Promise((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          waiters = waiters.filter((other) => other !== waiter);
          resolve(counts.get(label) ?? 0);
        };
        const timer = setTimeout(finish, timeoutMs);
        const waiter = { label, count, done: finish };
        waiters.push(waiter);
        wakeSatisfied();
      }),
  };
}
