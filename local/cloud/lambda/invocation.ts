/** What Lambda reports of a function that failed; the shape that SDK clients and Step Functions read. */
export interface FunctionFault {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

/**
 * How one invocation ended. `payload` is JSON text. `lost` marks a sandbox that died under the invocation (killed,
 * out of memory, exited); whether the function had effects is unknown then.
 */
export type InvocationResult =
  | { readonly kind: 'returned'; readonly payload: string; readonly requestId: string }
  | {
      readonly kind: 'failed';
      readonly fault: FunctionFault;
      readonly requestId: string;
      readonly lost: boolean;
    };

/** From the pool to a worker. */
export interface InvocationRequest {
  readonly requestId: string;
  readonly payload: string;
  readonly deadlineMs: number;
}

/** From a worker to the pool. */
export type WorkerReport =
  | { readonly kind: 'started'; readonly initMs: number }
  | { readonly kind: 'start-failed'; readonly fault: FunctionFault }
  | { readonly kind: 'returned'; readonly requestId: string; readonly payload: string }
  | { readonly kind: 'failed'; readonly requestId: string; readonly fault: FunctionFault }
  | { readonly kind: 'log'; readonly line: string };

/** Given to a worker thread when it starts. */
export interface WorkerSetup {
  readonly functionName: string;
  readonly functionArn: string;
  readonly modulePath: string;
  readonly exportName: string;
  readonly memoryMb: number;
  readonly isBackground: boolean;
  /** null: calls are not checked. */
  readonly allowedActions: readonly string[] | null;
  /** One Int32, raised for every message; the worker sleeps on it. */
  readonly wakeUps: SharedArrayBuffer;
}

/** Bytes of a synchronous request or response. */
export const payloadLimitBytes = 6 * 1024 * 1024;
