import type { VirtualClock } from './ports.ts';

/** `startOffsetMs` brings back the offset of a cloud that was killed, so that its time never goes back. */
export function makeVirtualClock(options: {
  timeScale: number;
  startOffsetMs?: number;
  onJump?: () => void;
}): VirtualClock {
  let offset = options.startOffsetMs ?? 0;
  let timeScale = options.timeScale;
  const nowMs = (): number => Date.now() + offset;
  const jumpTo = (atMs: number): void => {
    const ahead = atMs - nowMs();
    if (ahead > 0) {
      offset += ahead;
      options.onJump?.();
    }
  };

  return {
    get timeScale() {
      return timeScale;
    },
    setTimeScale(next) {
      timeScale = next;
    },
    nowMs,
    offsetMs: () => offset,
    jumpTo,
    async sleep(durationMs, signal) {
      const wakeAtMs = nowMs() + durationMs;
      await realSleep(durationMs / timeScale, signal);
      if (signal?.aborted !== true) {
        jumpTo(wakeAtMs);
      }
    },
  };
}

/** Node's timers overflow at 2^31 ms and then fire at once, so long waits go in slices. */
const longestTimerMs = 2_000_000_000;

/** Resolves after `durationMs` of real time, or as soon as `signal` aborts. */
export async function realSleep(durationMs: number, signal?: AbortSignal): Promise<void> {
  for (let leftMs = Math.max(0, durationMs); leftMs >= 0; leftMs -= longestTimerMs) {
    await oneTimer(Math.min(leftMs, longestTimerMs), signal);
  }
}

function oneTimer(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, durationMs);
    signal?.addEventListener('abort', done, { once: true });
  });
}
