import type { RecordOrigin } from '../../lib/migration/record.ts';

export interface SystemStats {
  readonly requests: number;
  readonly failed: number;
  /** Of the last thousand requests; 0 without any. */
  readonly p99Ms: number;
}

export interface TrafficStats {
  readonly requests: number;
  /** Requests without a proper answer, those during a fault apart. */
  readonly failed: number;
  /** Failed while a fault was injected, and not known to have been served by the flat system. */
  readonly failedDuringFault: number;
  readonly acknowledgedWrites: number;
  /** By the system that answered. */
  readonly bySystem: Readonly<Record<RecordOrigin, SystemStats>>;
  /** Due requests that were not sent because too many were waiting for their answer. */
  readonly shed: number;
  readonly inFlight: number;
  /** The first failures outside of faults. */
  readonly failures: readonly string[];
}

export interface TrafficOptions {
  /** Where users send their requests. */
  readonly edgeUrl: string;
  /** JSON of the flat source, for example `{"kind":"sqlite","path":"..."}`; rows to work on are sampled from it. */
  readonly source: string;
  /** New file that every operation is recorded in. */
  readonly historyPath: string;
  /** Requests per second; half of them are writes. */
  readonly rate: number;
  readonly users: number;
  readonly seed: number;
  /** A request without an answer by then has failed, in milliseconds. */
  readonly timeoutMs: number;
}

/** Live users, in this process or in one of their own. */
export interface TrafficControl {
  /** Counts acknowledged writes under a label from now on. */
  beginWindow(label: string): Promise<void>;
  /** Stops counting; the number of writes acknowledged in the window. */
  endWindow(label: string): Promise<number>;
  /** The count of a window once it has reached `count`, or whatever it has after `timeoutMs`. */
  waitForAcks(label: string, count: number, timeoutMs: number): Promise<number>;
  /** Failures that overlap a fault are counted apart. */
  beginFault(): Promise<void>;
  endFault(): Promise<void>;
  /** Sends nothing more; returns when every answer is in. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  setRate(rate: number): Promise<void>;
  stats(): Promise<TrafficStats>;
  /** Ends the users and completes the history file. */
  stop(): Promise<TrafficStats>;
}
