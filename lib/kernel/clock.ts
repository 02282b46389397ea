/** Time as a dependency: nothing in `lib/` reads the machine's clock. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
}

/** Waits; a port so that simulations and tests never sleep. */
export interface Sleeper {
  sleep(durationMs: number): Promise<void>;
}
