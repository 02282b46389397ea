/** Starts requests at a steady rate, whatever the answers do: slow answers do not slow the users down. */
export interface Pacer {
  setRate(perSecond: number): void;
  pause(): void;
  resume(): void;
  stop(): void;
}

const tickMs = 10;
/** After a stall of this process, requests of this long are made up for; more would be a burst, not a rate. */
const maxCatchUpMs = 250;

export function makePacer(perSecond: number, start: () => void, now: () => number): Pacer {
  let rate = perSecond;
  let isPaused = false;
  let last = now();
  let due = 0;
  const timer = setInterval(() => {
    const at = now();
    const elapsed = Math.min(at - last, maxCatchUpMs);
    last = at;
    if (isPaused) return;
    due += (elapsed * rate) / 1_000;
    for (; due >= 1; due -= 1) start();
  }, tickMs);
  return {
    setRate(next) {
      rate = next;
    },
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      due = 0;
    },
    stop: () => clearInterval(timer),
  };
}
