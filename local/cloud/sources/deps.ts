import type { InvocationResult } from '../lambda/invocation.ts';

/** What every event source needs of the cloud. */
export interface EventSourceDeps {
  /** Never rejects; null when there is no such function. */
  invoke(functionName: string, payload: string): Promise<InvocationResult | null>;
  log(line: string): void;
}

export interface RunningSource {
  /** Takes nothing more and waits for the batch in hand. */
  stop(): Promise<void>;
}
