import type { WireObject } from '../ports.ts';

type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** Plain JSON: what of it survives a restart is the object itself. */
export interface Execution {
  readonly arn: string;
  readonly machineArn: string;
  readonly name: string;
  /** JSON text, exactly as it was given. */
  readonly input: string;
  readonly startedAtMs: number;
  status: ExecutionStatus;
  output?: string;
  error?: string;
  cause?: string;
  stoppedAtMs?: number;
  /** In the form of GetExecutionHistory. */
  events: WireObject[];
}

export interface ExecutionEnd {
  readonly status: Exclude<ExecutionStatus, 'RUNNING'>;
  readonly output?: string | undefined;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

/** Standard workflows end at this many events. */
const mostEvents = 25_000;

export function addEvent(execution: Execution, atMs: number, type: string, details: WireObject): void {
  const previous = execution.events.length;
  if (previous < mostEvents) {
    execution.events.push({
      id: previous + 1,
      previousEventId: previous,
      timestamp: atMs / 1000,
      type,
      ...details,
    });
  }
}

const endEvents: Readonly<Record<ExecutionEnd['status'], readonly [type: string, member: string]>> = {
  SUCCEEDED: ['ExecutionSucceeded', 'executionSucceededEventDetails'],
  FAILED: ['ExecutionFailed', 'executionFailedEventDetails'],
  TIMED_OUT: ['ExecutionTimedOut', 'executionTimedOutEventDetails'],
  ABORTED: ['ExecutionAborted', 'executionAbortedEventDetails'],
};

/** The first end counts; later ones change nothing. */
export function endExecution(execution: Execution, atMs: number, end: ExecutionEnd): void {
  if (execution.status !== 'RUNNING') {
    return;
  }
  const { status, output, error, cause } = end;
  Object.assign(execution, {
    status,
    stoppedAtMs: atMs,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
  });
  const [type, member] = endEvents[status];
  addEvent(execution, atMs, type, { [member]: { output, error, cause } });
}
