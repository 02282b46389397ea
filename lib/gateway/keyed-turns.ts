/** Lets the tasks of one key run one after the other; different keys do not wait for each other. */
export interface KeyedTurns {
  take<Result>(key: string, task: () => Promise<Result>): Promise<Result>;
}

export function makeKeyedTurns(): KeyedTurns {
  const last = new Map<string, Promise<unknown>>();
  return {
    async take(key, task) {
      const before = last.get(key) ?? Promise.resolve();
      // A failed task must not fail the ones behind it.
      const turn = before.then(task, task);
      last.set(key, turn);
      try {
        return await turn;
      } finally {
        if (last.get(key) === turn) last.delete(key);
      }
    },
  };
}
