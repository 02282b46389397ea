import type { BodyMark, BodyMarks } from '../migration/bodies/ports.ts';

export function makeMemoryBodyMarks(): BodyMarks {
  const marks = new Map<string, BodyMark>();
  return {
    add(names, sweepId) {
      for (const name of names) {
        marks.set(name, { name, sweepId, unnamedSinceMs: marks.get(name)?.unnamedSinceMs ?? null });
      }
      return Promise.resolve();
    },
    remove(names) {
      for (const name of names) marks.delete(name);
      return Promise.resolve();
    },
    setUnnamed({ name, sweepId }, unnamedSinceMs) {
      const present = marks.get(name);
      if (present?.sweepId === sweepId) marks.set(name, { ...present, unnamedSinceMs });
      return Promise.resolve();
    },
    list(after, limit) {
      const found = [...marks.values()].filter(({ name }) => after === null || name > after);
      const sorted = found.toSorted((left, right) => (left.name < right.name ? -1 : 1));
      return Promise.resolve(sorted.slice(0, limit));
    },
  };
}
