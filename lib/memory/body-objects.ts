import type { BodyObject, BodyObjects } from '../migration/bodies/ports.ts';
import type { StoredBody } from './large-bodies.ts';

/** The objects of `makeMemoryLargeBodies`. */
export function makeMemoryBodyObjects(stored: Map<string, StoredBody>): BodyObjects {
  return {
    list(after, limit) {
      const entries = [...stored].filter(([name]) => after === null || name > after);
      const sorted = entries.toSorted(([left], [right]) => (left < right ? -1 : 1));
      return Promise.resolve(sorted.slice(0, limit).map(objectOf));
    },
    find(name) {
      const body = stored.get(name);
      return Promise.resolve(body === undefined ? null : objectOf([name, body]));
    },
    remove(name) {
      stored.delete(name);
      return Promise.resolve();
    },
  };
}

function objectOf([name, { text, storedAtMs }]: readonly [string, StoredBody]): BodyObject {
  return { name, storedAtMs, bytes: Buffer.byteLength(text) };
}
