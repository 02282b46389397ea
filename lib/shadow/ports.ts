import type { FieldDifference } from './difference.ts';
import type { Observation } from './observation.ts';
import type { ShadowSample } from './sample.ts';

/** Samples on their way to a replay; losing some is harmless. */
export interface ShadowQueue {
  send(samples: readonly ShadowSample[]): Promise<void>;
}

/** Asks one system. Never throws: a failure is an observation too. */
export interface ShadowOrigins {
  observe(side: 'control' | 'candidate', sample: ShadowSample): Promise<Observation>;
}

/** A critical comparison, without any value of a user. */
export interface ShadowDifference {
  readonly requestId: string;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly differences: readonly FieldDifference[];
}

/** Kept for seven days. */
export interface ShadowDifferences {
  /** Putting the same request twice leaves one entry. */
  put(difference: ShadowDifference): Promise<void>;
  /** Newest first, of one day (UTC, `2026-01-31`). */
  list(day: string, limit: number): Promise<readonly ShadowDifference[]>;
}
