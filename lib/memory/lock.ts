import type { Clock } from '../kernel/clock.ts';
import type { Lock } from '../orchestrator/ports.ts';

export function makeMemoryLock(clock: Clock): Lock {
  let holder: { owner: string; untilMs: number } | null = null;
  return {
    acquire: async (owner, leaseMs) => {
      const nowMs = clock.nowMs();
      if (holder !== null && holder.owner !== owner && holder.untilMs > nowMs) {
        return { acquired: false, holder: holder.owner };
      }
      holder = { owner, untilMs: nowMs + leaseMs };
      return { acquired: true };
    },
    release: async (owner) => {
      if (holder?.owner === owner) holder = null;
    },
  };
}
