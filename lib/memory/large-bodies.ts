import type { Clock } from '../kernel/clock.ts';
import { sha256Hex } from '../kernel/sha256.ts';
import { bodyName } from '../migration/body-name.ts';
import type { LargeBodies } from '../migration/large-bodies.ts';

export interface StoredBody {
  readonly text: string;
  readonly storedAtMs: number;
}

/** `objects` is what is stored, by name; give it where others look at it too. */
export function makeMemoryLargeBodies(deps: {
  clock: Clock;
  objects?: Map<string, StoredBody>;
}): LargeBodies {
  const { clock, objects = new Map<string, StoredBody>() } = deps;
  return {
    put(text) {
      const storedAtMs = clock.nowMs();
      const name = bodyName({ putAtMs: storedAtMs, sha256: sha256Hex(text) });
      objects.set(name, { text, storedAtMs });
      return Promise.resolve(name);
    },
    get: (name) => Promise.resolve(objects.get(name)?.text ?? null),
  };
}
