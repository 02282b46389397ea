import type { Checkpoint } from './checkpoint.ts';
import type { RunRecord } from './run.ts';

/** The run record. Adapters: `lib/aws/run-store.ts`, `lib/memory/run-store.ts`. */
export interface RunStore {
  /** The latest run, strongly consistent; null when there never was one. */
  current(): Promise<RunRecord | null>;
  /**
   * Makes `run` the current one if `replaced` (null: none) still is, and is not active.
   * Returns false when somebody else was faster.
   */
  start(run: RunRecord, replaced: RunRecord | null): Promise<boolean>;
  /**
   * Replaces `previous` by `next` at revision + 1, only while run id, routing epoch and revision are those of
   * `previous`. null when they are not: the caller is late and must not go on.
   */
  update(previous: RunRecord, next: RunRecord): Promise<RunRecord | null>;
}

export type ExecutionState = 'running' | 'ended' | 'unknown';

/** The state machine. Adapters: `lib/aws/workflow.ts`, `lib/memory/workflow.ts`. */
export interface Workflow {
  /** Starting the same name twice starts one execution. */
  start(name: string, input: unknown): Promise<void>;
  state(name: string): Promise<ExecutionState>;
}

/** Adapters: `lib/aws/checkpoint-store.ts`, `lib/memory/checkpoint-store.ts`. */
export interface CheckpointStore {
  /** Keeps the first one when the id is there already. */
  put(checkpoint: Checkpoint): Promise<void>;
  /** Newest first. */
  list(limit: number): Promise<readonly Checkpoint[]>;
}

/** One holder at a time, until it lets go or its lease runs out. Adapters: `lib/aws/lock.ts`, `lib/memory/lock.ts`. */
export interface Lock {
  acquire(owner: string, leaseMs: number): Promise<{ acquired: true } | { acquired: false; holder: string }>;
  release(owner: string): Promise<void>;
}
