import { sha256Hex } from '../kernel/sha256.ts';
import type { LargeBodies } from '../migration/large-bodies.ts';

export function makeMemoryLargeBodies(): LargeBodies {
  const texts = new Map<string, string>();
  return {
    put(text) {
      const sha256 = sha256Hex(text);
      texts.set(sha256, text);
      return Promise.resolve(sha256);
    },
    get: (sha256) => Promise.resolve(texts.get(sha256) ?? null),
  };
}
