import type { FunctionInvoker } from '../function-invoker.ts';

export interface RollbackWish {
  readonly requestedBy: string;
  readonly reason: string;
  readonly toPhase?: string;
  /** Share that the hierarchical system keeps; 0 when left out. */
  readonly trafficThousandths?: number;
  /** Sets the kill switch, which only an operator releases. */
  readonly emergency?: boolean;
  /** Everything back to flat, state included, from wherever the migration stands. */
  readonly complete?: boolean;
  /** Moves the authority over the state back whatever the record says. */
  readonly force?: boolean;
  /** The same id asks for the same rollback. */
  readonly requestId?: string;
}

/** Calls the rollback function, as an alarm does; its answer is returned as it is. */
export function requestRollback(deps: { invoker: FunctionInvoker }, wish: RollbackWish): Promise<unknown> {
  return deps.invoker.invoke('roll-back', wish);
}
