import type { ShadowDifference, ShadowDifferences } from '../shadow/ports.ts';

/** Differences in memory; nothing expires here. */
export function makeShadowDifferences(): ShadowDifferences {
  const byRequest = new Map<string, ShadowDifference>();
  return {
    async put(difference) {
      byRequest.set(difference.requestId, difference);
    },
    async list(day, limit) {
      return [...byRequest.values()]
        .filter((each) => new Date(each.atMs).toISOString().startsWith(day))
        .toSorted((left, right) => right.atMs - left.atMs)
        .slice(0, limit);
    },
  };
}
