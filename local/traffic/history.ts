/**
 * What a reader can tell about the state of one key: the token of the write that made it, `=` and a digest for a row
 * that no recorded write made, null when the key is absent.
 */
export type Observed = string | null;

/**
 * One line of a history file. Times are milliseconds of one monotonic clock. Writes are recorded when they are sent
 * and when they end, so that a write whose end is missing counts as one with an unknown outcome; reads when they end.
 */
export type HistoryEntry =
  /** What the key held before the first request; a key without this entry was absent. */
  | { readonly e: 'initial'; readonly k: string; readonly v: Observed }
  /** A write (null: a delete) of user `u` was sent. */
  | {
      readonly e: 'invoke';
      readonly i: number;
      readonly k: string;
      readonly u: string;
      readonly v: Observed;
      readonly t: number;
    }
  /** How a write ended: acknowledged, certainly without effect, or unknown. `s` is the HTTP status, 0 without one. */
  | {
      readonly e: 'ok' | 'fail' | 'info';
      readonly i: number;
      readonly k: string;
      readonly t: number;
      readonly s: number;
      readonly by?: string;
    }
  /** A read that was answered; `t` to `d` is its interval. */
  | {
      readonly e: 'read';
      readonly i: number;
      readonly k: string;
      readonly u: string;
      readonly v: Observed;
      readonly t: number;
      readonly d: number;
      readonly by?: string;
    }
  /** A read without an answer; it says nothing about the key. */
  | { readonly e: 'unread'; readonly i: number; readonly k: string; readonly t: number; readonly s: number };

export interface WriteOperation {
  readonly id: number;
  readonly user: string;
  readonly value: Observed;
  readonly invokedAt: number;
  /** When it was acknowledged; Infinity while the outcome is unknown, since it may take effect at any later time. */
  readonly acknowledgedAt: number;
}

export interface ReadOperation {
  readonly id: number;
  readonly user: string;
  readonly value: Observed;
  readonly invokedAt: number;
  readonly endedAt: number;
}

/** All operations on one key; writes that certainly had no effect are left out. */
export interface KeyHistory {
  readonly key: string;
  readonly initial: Observed;
  readonly writes: readonly WriteOperation[];
  readonly reads: readonly ReadOperation[];
}
